package store

import (
	"fmt"
	"log/slog"

	"quicnprotochat/node/store/database"
	"quicnprotochat/rpc"
	"quicnprotochat/transport"
)

const (
	// eventsKept is how far back events go, counted in ids.
	eventsKept = 16_384
	// eventsSkipped is how many ids a start leaves out, see SkipEvents.
	eventsSkipped = 1000
)

// Event is something that front ends show: a row about rows. Kind is the caller's,
// not empty. Of the message, if it is about one, the state is kept as it was then.
type Event struct {
	// ID is given by AddEvent; ids grow and are never used again.
	ID           int64
	Kind         string
	Peer         rpc.Identity
	Conversation [16]byte
	Message      [16]byte
	// Author is that of Message if it is not Peer, else zero.
	Author      rpc.Identity
	State, Path string
	Relay       transport.Key
	Why         string
}

// LogValue keeps with whom there is a conversation out of logs.
func (Event) LogValue() slog.Value { return slog.StringValue("[redacted]") }

const eventColumns = "id, kind, peer, conversation, message, author, state, path, relay, why"

func scanEvent(r *database.Row) Event {
	return Event{
		ID: r.Int64(), Kind: r.Text(), Peer: r.Array32(), Conversation: r.Array16(), Message: r.Array16(),
		Author: r.Array32(), State: r.Text(), Path: r.Text(), Relay: r.Array32(), Why: r.Text(),
	}
}

// AddEvent keeps an event behind all others; e.ID is not looked at. The oldest are
// dropped.
func (t *Tx) AddEvent(e Event) error {
	err := t.db.Do(`INSERT INTO events (kind, peer, conversation, message, author, state, path, relay, why) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		e.Kind, e.Peer[:], e.Conversation[:], e.Message[:], e.Author[:], e.State, e.Path, e.Relay[:], e.Why)
	if err != nil {
		return err
	}
	return t.db.Do("DELETE FROM events WHERE id <= ?", t.db.LastID()-eventsKept)
}

// SkipEvents leaves out the next ids. A start does so: what UpdateLazily did last
// may be gone after a power cut and is done again, and what it does then must not
// get ids that somebody has seen.
func (t *Tx) SkipEvents() error {
	_, last, err := t.EventRange()
	if err != nil {
		return err
	}
	return t.db.Do(`INSERT INTO events (id, kind, peer, conversation, message, state, path, relay, why) VALUES (?, '', x'', x'', x'', '', '', x'', '')`,
		last+eventsSkipped)
}

// EventRange returns the first and the last id that are kept, 0 for none.
func (t *Tx) EventRange() (least, last int64, err error) {
	if least, err = database.First(t.db, (*database.Row).Int64, "SELECT coalesce(min(id), 0) FROM events"); err != nil {
		return 0, 0, fmt.Errorf("first event: %w", err)
	}
	last, err = database.First(t.db, (*database.Row).Int64, "SELECT coalesce(max(id), 0) FROM events")
	return least, last, err
}

// Events returns at most limit events with ids above after and up to last, by id.
func (t *Tx) Events(after, last int64, limit int) ([]Event, error) {
	return database.List(t.db, scanEvent, "SELECT "+eventColumns+" FROM events WHERE id > ? AND id <= ? AND kind <> '' ORDER BY id LIMIT ?",
		after, last, limitRows(limit))
}
