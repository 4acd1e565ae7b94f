package timeline

import (
	"math"
	"time"

	"quicnprotochat/node/message"
	"quicnprotochat/node/store"
)

const (
	// unreadGrace is how much longer than its time a message stays that the user
	// was not shown.
	unreadGrace = 7 * 24 * time.Hour
	// rescheduled is how many entries a timer that comes late changes.
	rescheduled = 1000
	// readAtOnce bounds what one call of Read or Expire does.
	readAtOnce = 1000
)

// InForce is how long messages stay that are written now; 0 for good.
func InForce(tx *store.Tx, conversation [16]byte) (time.Duration, error) {
	return inForce(tx, store.Message{Conversation: conversation, Lamport: math.MaxUint64})
}

// inForce is how long a message stays by its place.
func inForce(tx *store.Tx, m store.Message) (time.Duration, error) {
	timer, err := tx.TimerBefore(m.Conversation, m.Position())
	if store.IsNotFound(err) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	parsed, err := message.Parse(timer.Body)
	if err != nil {
		return 0, nil
	}
	return parsed.After, nil
}

// expiry is when a message is to be erased that stays for that long; zero: never.
func expiry(m store.Message, after time.Duration) time.Time {
	switch {
	case after == 0 || !m.Erased.IsZero() || message.Type(m.Type) == message.Timer:
		return time.Time{}
	case m.Read.IsZero():
		return m.Stored.Add(after + unreadGrace)
	}
	return m.Read.Add(after)
}

// reschedule brings the entries behind a timer that is new up to it.
func reschedule(tx *store.Tx, timer store.Message, after time.Duration) error {
	entries, err := tx.HistoryAfter(timer.Conversation, timer.Position(), rescheduled)
	if err != nil {
		return err
	}
	for _, m := range entries {
		if message.Type(m.Type) == message.Timer {
			return nil
		}
		if err := tx.SetRead(m.Conversation, m.Author, m.ID, m.Read, expiry(m, after)); err != nil {
			return err
		}
	}
	return nil
}

// Read notes that the user was shown the entries up to a place, and returns those that
// are new to the user, at most 1,000: more is true if others are left.
func Read(tx *store.Tx, conversation [16]byte, last store.Position, now time.Time) (entries []store.Message, more bool, err error) {
	if entries, err = tx.Unread(conversation, last, readAtOnce); err != nil {
		return nil, false, err
	}
	for i := range entries {
		m := &entries[i]
		m.Read = now
		after, err := inForce(tx, *m)
		if err != nil {
			return nil, false, err
		}
		m.Expires = expiry(*m, after)
		if err := tx.SetRead(m.Conversation, m.Author, m.ID, m.Read, m.Expires); err != nil {
			return nil, false, err
		}
	}
	return entries, len(entries) == readAtOnce, nil
}

// Expire erases what has had its time, at most 1,000 entries, and returns them, and
// when there is more to erase; zero: nothing is to be.
func Expire(tx *store.Tx, now time.Time) (gone []store.Message, next time.Time, err error) {
	if gone, err = tx.Expired(now, readAtOnce); err != nil {
		return nil, next, err
	}
	for i := range gone {
		if err := erase(tx, gone[i], now, true); err != nil {
			return nil, next, err
		}
		gone[i].Body, gone[i].Erased, gone[i].Hidden = nil, now, true
	}
	next, err = tx.NextExpiry()
	return gone, next, err
}
