package timeline

import (
	"errors"
	"fmt"
	"time"

	"quicnprotochat/node/message"
	"quicnprotochat/node/store"
)

const (
	// Received is the state of a message that came in.
	Received = "received"
	// early is the state of a mark that came before what it is about.
	early = "early"
	// maxEarly is how many of them one author has in a conversation.
	maxEarly = 256
)

// Errors of Add, besides those of store.InsertMessage.
var (
	// ErrNotAuthor means an edit or a deletion of somebody else's message.
	ErrNotAuthor = errors.New("the message is somebody else's")
	// ErrUnknown means a mark of ours on a message that is not there.
	ErrUnknown = errors.New("no such message")
	// ErrKind means a mark on a message of a kind that takes none such.
	ErrKind = errors.New("a message of this kind is not changed so")
)

// Outcome is what a message did: the entry that is new or looks other than before,
// nil if none does.
type Outcome struct {
	Entry *store.Message
	New   bool
}

// own reports whether a message is ours.
func own(m store.Message) bool { return m.State != Received && m.State != early }

// Add takes a message into its conversation. m is as the caller has it, without
// Ref, Hidden and the times of reading and disappearing; its State is [Received]
// unless it is ours. One that is known already does nothing.
func Add(tx *store.Tx, m store.Message, parsed *message.Message) (Outcome, error) {
	m.Ref = parsed.Ref
	if parsed.Type.Entry() {
		return addEntry(tx, m, parsed)
	}
	m.Hidden = true
	return addMark(tx, m, parsed.Type)
}

func addEntry(tx *store.Tx, m store.Message, parsed *message.Message) (Outcome, error) {
	marks, err := tx.Referring(m.Conversation, m.ID)
	if err != nil {
		return Outcome{}, err
	}
	for _, mark := range marks {
		if message.Type(mark.Type) == message.Delete && mark.Author == m.Author && parsed.Type != message.Timer {
			m.Body, m.Erased, m.Hidden = nil, m.Stored, true
		}
	}
	if own(m) || parsed.Type == message.Timer {
		m.Read = m.Stored
	}
	after, err := inForce(tx, m)
	if err != nil {
		return Outcome{}, err
	}
	m.Expires = expiry(m, after)
	switch err := tx.InsertMessage(m); {
	case errors.Is(err, store.ErrExists):
		return Outcome{}, nil
	case err != nil:
		return Outcome{}, err
	}
	if err := adopt(tx, m, marks); err != nil {
		return Outcome{}, err
	}
	if parsed.Type == message.Timer {
		if err := reschedule(tx, m, parsed.After); err != nil {
			return Outcome{}, err
		}
	}
	if m.Hidden {
		return Outcome{}, nil
	}
	return Outcome{Entry: &m, New: true}, nil
}

// adopt lets marks that came early count, now that what they are about is here.
func adopt(tx *store.Tx, m store.Message, marks []store.Message) error {
	for _, mark := range marks {
		if mark.State != early {
			continue
		}
		var err error
		if !mayMark(message.Type(mark.Type), mark, m) || m.Hidden && message.Type(mark.Type) != message.Delete {
			err = tx.DeleteMessage(mark.Conversation, mark.Author, mark.ID)
		} else {
			mark.State = Received
			err = tx.SetMessageState(mark)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// mayMark reports whether a mark of a kind may be on a message.
func mayMark(kind message.Type, mark, m store.Message) bool {
	t := message.Type(m.Type)
	switch kind {
	case message.Reaction:
		return t.Entry()
	case message.Edit:
		return m.Author == mark.Author && (t == message.Chat || t == message.Reply)
	default:
		return m.Author == mark.Author && t != message.Timer && t != message.Edit && t != message.Delete
	}
}

func addMark(tx *store.Tx, m store.Message, kind message.Type) (Outcome, error) {
	found, err := tx.MessagesOf(m.Conversation, m.Ref)
	if err != nil {
		return Outcome{}, err
	}
	var target *store.Message
	for i, f := range found {
		if mayMark(kind, m, f) {
			target = &found[i]
		}
	}
	if target == nil {
		for _, f := range found {
			if kind != message.Reaction && f.Author == m.Author {
				return Outcome{}, ErrKind
			}
		}
		switch {
		case len(found) > 0 && kind != message.Reaction:
			return Outcome{}, ErrNotAuthor
		case own(m):
			return Outcome{}, ErrUnknown
		}
		m.State = early
	}
	if newest, err := supersede(tx, m); err != nil || !newest {
		return Outcome{}, err
	}
	if target != nil && !target.Erased.IsZero() && kind != message.Delete {
		return Outcome{}, nil // nothing is there to be marked any more
	}
	if err := tx.InsertMessage(m); err != nil {
		return Outcome{}, err
	}
	switch {
	case target == nil:
		return Outcome{}, boundEarly(tx, m)
	case kind == message.Delete:
		return remove(tx, m, *target)
	case target.Hidden:
		return Outcome{}, nil
	case kind == message.Edit:
		err = tx.Unindex(target.Conversation, target.Author, target.ID)
	}
	return Outcome{Entry: target}, err
}

// supersede removes what the author has said before about the same message in the
// same way. newest is false if m is that itself, or older.
func supersede(tx *store.Tx, m store.Message) (newest bool, err error) {
	marks, err := tx.Referring(m.Conversation, m.Ref)
	if err != nil {
		return false, err
	}
	for _, mark := range marks {
		if mark.Author != m.Author || mark.Type != m.Type {
			continue
		}
		if mark.Counter >= m.Counter {
			return false, nil
		}
		if err := drop(tx, mark); err != nil {
			return false, err
		}
	}
	return true, nil
}

// drop removes a mark, and what is outgoing of it if it is ours.
func drop(tx *store.Tx, mark store.Message) error {
	if own(mark) {
		if err := tx.DeleteOutgoingMessage(mark.Conversation, mark.ID); err != nil {
			return err
		}
	}
	return tx.DeleteMessage(mark.Conversation, mark.Author, mark.ID)
}

func boundEarly(tx *store.Tx, m store.Message) error {
	n, err := tx.CountEarly(m.Conversation, m.Author)
	if err != nil || n <= maxEarly {
		return err
	}
	return tx.DropEarly(m.Conversation, m.Author, n-maxEarly)
}

// remove does what a deletion says. Of an entry there stays that it was deleted, of a
// reaction nothing that is shown.
func remove(tx *store.Tx, m, target store.Message) (Outcome, error) {
	if !target.Erased.IsZero() {
		return Outcome{}, nil
	}
	if message.Type(target.Type) != message.Reaction {
		err := erase(tx, target, m.Stored, target.Hidden)
		target.Body, target.Erased = nil, m.Stored
		return Outcome{Entry: &target}, err
	}
	if own(target) {
		if err := tx.DeleteOutgoingMessage(target.Conversation, target.ID); err != nil {
			return Outcome{}, err
		}
	}
	if err := tx.EraseMessage(target.Conversation, target.Author, target.ID, m.Stored, true); err != nil {
		return Outcome{}, err
	}
	entries, err := tx.MessagesOf(target.Conversation, target.Ref)
	for i, l := range entries {
		if !l.Hidden {
			return Outcome{Entry: &entries[i]}, err
		}
	}
	return Outcome{}, err
}

// erase overwrites an entry and what was said about it. What of it has not arrived
// yet is not sent any more.
func erase(tx *store.Tx, m store.Message, at time.Time, hidden bool) error {
	if err := tx.EraseMessage(m.Conversation, m.Author, m.ID, at, hidden); err != nil {
		return fmt.Errorf("erase message: %w", err)
	}
	if own(m) {
		if err := tx.DeleteOutgoingMessage(m.Conversation, m.ID); err != nil {
			return err
		}
	}
	marks, err := tx.Referring(m.Conversation, m.ID)
	if err != nil {
		return err
	}
	for _, mark := range marks {
		if t := message.Type(mark.Type); t == message.Reaction || t == message.Edit && mark.Author == m.Author {
			if err := drop(tx, mark); err != nil {
				return err
			}
		}
	}
	return nil
}

// Forget removes an entry from what the user sees, here alone.
func Forget(tx *store.Tx, m store.Message, now time.Time) error {
	if m.Hidden || !message.Type(m.Type).Entry() || message.Type(m.Type) == message.Timer {
		return ErrKind
	}
	return erase(tx, m, now, true)
}
