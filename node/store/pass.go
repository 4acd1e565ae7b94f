package store

import (
	"errors"
	"time"

	"quicnprotochat/node/store/database"
	"quicnprotochat/rpc"
	"quicnprotochat/transport"
)

// Pass is what a contact gave us to write to it at one of its relays.
type Pass struct {
	Relay  transport.Key
	Pass   []byte
	Expiry time.Time
}

func scanPass(r *database.Row) Pass {
	return Pass{Relay: r.Array32(), Pass: r.Bytes(), Expiry: r.Time()}
}

// PassAt returns the pass of a contact for a relay, or ErrNotFound.
func (t *Tx) PassAt(id rpc.Identity, relay transport.Key) (Pass, error) {
	return database.First(t.db, scanPass, "SELECT relay, pass, expiry FROM passes WHERE identity = ? AND relay = ?", id[:], relay[:])
}

// Passes returns all passes of a contact.
func (t *Tx) Passes(id rpc.Identity) ([]Pass, error) {
	return database.List(t.db, scanPass, "SELECT relay, pass, expiry FROM passes WHERE identity = ? ORDER BY relay", id[:])
}

// PutPasses keeps the passes of a contact in place of those of before.
func (t *Tx) PutPasses(id rpc.Identity, passes []Pass) error {
	if err := t.db.Do("DELETE FROM passes WHERE identity = ?", id[:]); err != nil {
		return err
	}
	for _, p := range passes {
		err := t.db.Do(`INSERT INTO passes (identity, relay, pass, expiry) VALUES (?, ?, ?, ?)
			ON CONFLICT (identity, relay) DO UPDATE SET pass = excluded.pass, expiry = excluded.expiry`,
			id[:], p.Relay[:], p.Pass, p.Expiry)
		if err != nil {
			return err
		}
	}
	return nil
}

// DropPasses removes the passes that ended before that time.
func (t *Tx) DropPasses(before time.Time) error {
	return t.db.Do("DELETE FROM passes WHERE expiry < ?", before)
}

// PassesGiven returns the digest of the passes of ours that a contact was given
// last, nil if it was given none.
func (t *Tx) PassesGiven(id rpc.Identity) ([]byte, error) {
	digest, err := database.First(t.db, func(r *database.Row) []byte { return r.Bytes() }, "SELECT digest FROM passes_given WHERE identity = ?", id[:])
	if errors.Is(err, ErrNotFound) {
		err = nil
	}
	return digest, err
}

// SetPassesGiven notes it.
func (t *Tx) SetPassesGiven(id rpc.Identity, digest []byte) error {
	return t.db.Do(`INSERT INTO passes_given (identity, digest) VALUES (?, ?)
		ON CONFLICT (identity) DO UPDATE SET digest = excluded.digest`, id[:], digest)
}
