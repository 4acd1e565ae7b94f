package front

import (
	"encoding/hex"
	"fmt"
	"time"

	"quicnprotochat/node/localapi"
	"quicnprotochat/node/message"
	"quicnprotochat/node/store"
	"quicnprotochat/node/timeline"
)

func (f *Front) showMessages(tx *store.Tx, with target, rows []store.Message) ([]localapi.Message, error) {
	entries := make([]localapi.Message, 0, len(rows))
	for _, m := range rows {
		entry, err := f.showMessage(tx, with, m)
		if err != nil {
			return nil, err
		}
		entries = append(entries, entry)
	}
	return entries, nil
}

// showMessage returns an entry as front ends see it.
func (f *Front) showMessage(tx *store.Tx, with target, m store.Message) (localapi.Message, error) {
	v, err := timeline.Look(tx, m)
	if err != nil {
		return localapi.Message{}, err
	}
	shown := localapi.Message{
		ID: hex.EncodeToString(m.ID[:]), From: text(m.Author), To: text(with.contact.Identity),
		Time: localapi.Time{Time: m.Sent}, State: localapi.State(m.State), Path: localapi.Path(m.Path),
		Deleted: v.Deleted, Edited: when(v.Edited), Expires: when(m.Expires),
	}
	shown.Kind, shown.Text = wording(v)
	switch {
	case with.group:
		shown.Group = hex.EncodeToString(with.conversation[:])
		shown.To = shown.Group
	case m.Author == with.contact.Identity:
		shown.To = text(f.self)
	}
	for _, r := range v.Reactions {
		shown.Reactions = append(shown.Reactions, localapi.Reaction{From: text(r.Author), Emoji: r.Emoji})
	}
	if v.Type == message.Reply && !v.Deleted {
		shown.Reply, err = f.quote(tx, m.Conversation, v.Ref)
	}
	return shown, err
}

// when is a time that may be absent.
func when(t time.Time) *localapi.Time {
	if t.IsZero() {
		return nil
	}
	return &localapi.Time{Time: t}
}

// wording is the kind of an entry, and its text or what stands for it.
func wording(v timeline.View) (kind localapi.MessageKind, text string) {
	switch {
	case v.Type == message.Chat:
		return "", v.Text
	case v.Type == message.Reply:
		return localapi.KindReply, v.Text
	case v.Type == message.Timer && v.After == 0:
		return localapi.KindTimer, "[messages stay from here on]"
	case v.Type == message.Timer:
		return localapi.KindTimer, fmt.Sprintf("[messages disappear from here on: %s after they were read]", localapi.Brief(v.After))
	case v.Deleted:
		return localapi.KindUnsupported, ""
	}
	return localapi.KindUnsupported, fmt.Sprintf("[a message of a kind that this version does not show: 0x%02x]", byte(v.Type))
}

// quoteMost is how much of a message is quoted, in characters.
const quoteMost = 80

// quote returns the message that a reply answers; one that is not here has only its
// id.
func (f *Front) quote(tx *store.Tx, conversation, id [16]byte) (*localapi.Quote, error) {
	q := &localapi.Quote{ID: hex.EncodeToString(id[:])}
	found, err := tx.MessagesOf(conversation, id)
	for _, m := range found {
		if m.Hidden {
			continue
		}
		v, err := timeline.Look(tx, m)
		if err != nil {
			return nil, err
		}
		_, words := wording(v)
		if runes := []rune(words); len(runes) > quoteMost {
			words = string(runes[:quoteMost]) + "…"
		}
		q.From, q.Text = text(m.Author), words
	}
	return q, err
}

// lastLooked is how far back a message called last is looked for.
const lastLooked = 256

// entry finds a message of a conversation by its id, a unique beginning of it, or the
// word last: of one's own, or if there is one of the others'.
func (f *Front) entry(tx *store.Tx, with target, ref string, own bool) (store.Message, error) {
	if ref == "last" {
		return f.lastEntry(tx, with, own)
	}
	lo, hi, err := idRange(ref)
	if err != nil {
		return store.Message{}, err
	}
	found, err := tx.EntriesBetween(with.conversation, lo, hi, 2)
	switch {
	case err != nil:
		return store.Message{}, err
	case len(found) == 0:
		return store.Message{}, unknownID(ref)
	case len(found) > 1:
		return store.Message{}, &localapi.Error{
			Message: fmt.Sprintf("%q could be several messages", ref), Hint: "give more of the id", Exit: localapi.ExitUsage,
		}
	}
	return found[0], nil
}

func (f *Front) lastEntry(tx *store.Tx, with target, own bool) (store.Message, error) {
	entries, err := tx.History(with.conversation, nil, lastLooked)
	if err != nil {
		return store.Message{}, err
	}
	var best *store.Message
	for i := range entries {
		m := &entries[i]
		if t := message.Type(m.Type); t == message.Timer || !m.Erased.IsZero() || own && m.Author != f.self {
			continue
		}
		if own || best == nil || m.Author != f.self || best.Author == f.self {
			best = m
		}
	}
	if best == nil {
		return store.Message{}, &localapi.Error{
			Message: "there is no such message yet", Hint: "qpc history CONTACT lists them", Exit: localapi.ExitUsage,
		}
	}
	return *best, nil
}

// minID is how many digits of an id are asked for at least.
const minID = 4

// idRange returns the first and the last id that begin with some hex digits.
func idRange(ref string) (lo, hi [16]byte, err error) {
	if len(ref) < minID || len(ref) > 2*len(lo) {
		_, err = parseID(ref)
		return lo, hi, err
	}
	const most = 32
	zeros, ones := ref, ref
	for len(zeros) < most {
		zeros, ones = zeros+"0", ones+"f"
	}
	if lo, err = parseID(zeros); err != nil {
		_, err = parseID(ref)
		return lo, hi, err
	}
	hi, err = parseID(ones)
	return lo, hi, err
}
