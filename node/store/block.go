package store

import (
	"time"

	"quicnprotochat/node/store/database"
	"quicnprotochat/rpc"
)

// Block notes that nothing of somebody is taken any more.
func (t *Tx) Block(id rpc.Identity, at time.Time) error {
	return t.db.Do("INSERT OR IGNORE INTO blocked (identity, at) VALUES (?, ?)", id[:], at)
}

// Unblock takes that back; it is no error if it was not noted.
func (t *Tx) Unblock(id rpc.Identity) error {
	return t.db.Do("DELETE FROM blocked WHERE identity = ?", id[:])
}

// IsBlocked reports whether it is noted.
func (t *Tx) IsBlocked(id rpc.Identity) (bool, error) {
	n, err := t.db.Count("SELECT count(*) FROM blocked WHERE identity = ?", id[:])
	return n > 0, err
}

// Blocked returns all of whom it is noted.
func (t *Tx) Blocked() ([]rpc.Identity, error) {
	return database.List(t.db, func(r *database.Row) rpc.Identity { return r.Array32() }, "SELECT identity FROM blocked ORDER BY identity")
}
