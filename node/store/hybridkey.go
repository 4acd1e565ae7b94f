package store

import (
	"log/slog"
	"time"

	"quicnprotochat/node/store/database"
	"quicnprotochat/rpc"
)

// HybridKey is one of our own hybrid keys (package mls/seal).
type HybridKey struct {
	ID                  [8]byte
	Private             []byte
	Blob                []byte // the signed public half
	NotBefore, NotAfter time.Time
	Replaced            time.Time // when a newer one took its place; zero: in use
}

// LogValue keeps the key out of logs.
func (HybridKey) LogValue() slog.Value { return slog.StringValue("[redacted]") }

const hybridKeyColumns = "id, private, blob, not_before, not_after, replaced"

func scanHybridKey(r *database.Row) HybridKey {
	return HybridKey{
		ID: r.Array8(), Private: r.Bytes(), Blob: r.Bytes(),
		NotBefore: r.Time(), NotAfter: r.Time(), Replaced: r.Time(),
	}
}

// HybridKeys returns our own keys, newest first.
func (t *Tx) HybridKeys() ([]HybridKey, error) {
	return database.List(t.db, scanHybridKey, "SELECT "+hybridKeyColumns+" FROM hybrid_keys ORDER BY not_before DESC, id")
}

// HybridKey returns our key of that id, or ErrNotFound.
func (t *Tx) HybridKey(id [8]byte) (HybridKey, error) {
	return database.First(t.db, scanHybridKey, "SELECT "+hybridKeyColumns+" FROM hybrid_keys WHERE id = ?", id[:])
}

// PutHybridKey adds or replaces one of our keys.
func (t *Tx) PutHybridKey(k HybridKey) error {
	return t.db.Do(`INSERT INTO hybrid_keys (id, private, blob, not_before, not_after, replaced) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET private = excluded.private, blob = excluded.blob,
			not_before = excluded.not_before, not_after = excluded.not_after, replaced = excluded.replaced`,
		k.ID[:], k.Private, k.Blob, k.NotBefore, k.NotAfter, k.Replaced)
}

// DeleteHybridKey erases one of our keys; it is no error if there is none.
func (t *Tx) DeleteHybridKey(id [8]byte) error {
	return t.db.Do("DELETE FROM hybrid_keys WHERE id = ?", id[:])
}

// PeerHybridKey returns the newest public key of a peer that was put, and its
// not-before time, or ErrNotFound.
func (t *Tx) PeerHybridKey(id rpc.Identity) (blob []byte, notBefore time.Time, err error) {
	type peerKey struct {
		blob      []byte
		notBefore time.Time
	}
	k, err := database.First(t.db, func(r *database.Row) peerKey { return peerKey{r.Bytes(), r.Time()} },
		"SELECT blob, not_before FROM peer_hybrid_keys WHERE identity = ?", id[:])
	return k.blob, k.notBefore, err
}

// PutPeerHybridKey stores the public key of a peer. It returns ErrConflict, and
// keeps what it has, if that is newer.
func (t *Tx) PutPeerHybridKey(id rpc.Identity, blob []byte, notBefore time.Time) error {
	n, err := t.db.Exec(`INSERT INTO peer_hybrid_keys (identity, blob, not_before) VALUES (?, ?, ?)
		ON CONFLICT (identity) DO UPDATE SET blob = excluded.blob, not_before = excluded.not_before
		WHERE excluded.not_before >= not_before`,
		id[:], blob, notBefore)
	if err == nil && n == 0 {
		return ErrConflict
	}
	return err
}

// DropPeerHybridKey removes the key of a peer; it is no error if there is none.
func (t *Tx) DropPeerHybridKey(id rpc.Identity) error {
	return t.db.Do("DELETE FROM peer_hybrid_keys WHERE identity = ?", id[:])
}

// DropPeerHybridKeys removes the peers' keys whose not-before time is before
// that time.
func (t *Tx) DropPeerHybridKeys(before time.Time) error {
	return t.db.Do("DELETE FROM peer_hybrid_keys WHERE not_before < ?", before)
}
