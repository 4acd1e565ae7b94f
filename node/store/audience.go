package store

import (
	"quicnprotochat/node/store/database"
	"quicnprotochat/rpc"
)

// Listener is one of those that an own message to a group is for, and how far the
// message came to it.
type Listener struct {
	Member rpc.Identity
	State  string
	// Tries is what was tried to deliver it to the member (package tries).
	Tries []byte
}

// Audience returns whom an own message to a group is for.
func (t *Tx) Audience(conversation, message [16]byte) ([]Listener, error) {
	return database.List(t.db, func(r *database.Row) Listener { return Listener{r.Array32(), r.Text(), r.Bytes()} },
		"SELECT member, state, tries FROM audience WHERE conversation = ? AND message = ? ORDER BY member", conversation[:], message[:])
}

// PutListener adds or replaces one of those that a message is for.
func (t *Tx) PutListener(conversation, message [16]byte, l Listener) error {
	return t.db.Do("INSERT OR REPLACE INTO audience (conversation, message, member, state, tries) VALUES (?, ?, ?, ?, ?)",
		conversation[:], message[:], l.Member[:], l.State, l.Tries)
}

// DeleteListener says that a message is for a member no longer.
func (t *Tx) DeleteListener(conversation, message [16]byte, member rpc.Identity) error {
	return t.db.Do("DELETE FROM audience WHERE conversation = ? AND message = ? AND member = ?",
		conversation[:], message[:], member[:])
}
