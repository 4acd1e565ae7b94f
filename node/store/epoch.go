package store

import (
	"errors"
	"log/slog"
	"time"

	"quicnprotochat/node/store/database"
)

// Epoch is one epoch of a group of which we hold keys.
type Epoch struct {
	ID      [16]byte
	Group   []byte
	Number  uint64
	SealKey [32]byte // opens sealed payloads of this epoch (package mls/seal)
	Created time.Time
}

// LogValue keeps the key out of logs.
func (Epoch) LogValue() slog.Value { return slog.StringValue("[redacted]") }

const epochColumns = "id, grp, number, seal_key, created"

func scanEpoch(r *database.Row) Epoch {
	return Epoch{ID: r.Array16(), Group: r.Bytes(), Number: r.Uint64(), SealKey: r.Array32(), Created: r.Time()}
}

// Epoch returns the epoch of that id, or ErrNotFound.
func (t *Tx) Epoch(id [16]byte) (Epoch, error) {
	return database.First(t.db, scanEpoch, "SELECT "+epochColumns+" FROM epochs WHERE id = ?", id[:])
}

// Epochs returns all epochs, newest first: those whose keys may open a payload.
func (t *Tx) Epochs() ([]Epoch, error) {
	return database.List(t.db, scanEpoch, "SELECT "+epochColumns+" FROM epochs ORDER BY created DESC, number DESC, id")
}

// PutEpoch adds or replaces the epoch of that id.
func (t *Tx) PutEpoch(e Epoch) error {
	return t.db.Do(`INSERT INTO epochs (id, grp, number, seal_key, created) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET grp = excluded.grp, number = excluded.number,
			seal_key = excluded.seal_key, created = excluded.created`,
		e.ID[:], e.Group, e.Number, e.SealKey[:], e.Created)
}

// DeleteEpoch erases an epoch and its records; it is no error if there is none.
func (t *Tx) DeleteEpoch(id [16]byte) error {
	if err := t.db.Do("DELETE FROM mls_records WHERE epoch = ?", id[:]); err != nil {
		return err
	}
	return t.db.Do("DELETE FROM epochs WHERE id = ?", id[:])
}

// Records holds the MLS state of one epoch as named values. It lives as long
// as its Tx.
type Records struct {
	t     *Tx
	epoch [16]byte
}

// Records returns the records of an epoch, which need not exist yet.
func (t *Tx) Records(epoch [16]byte) Records { return Records{t, epoch} }

// Get returns the value of key, nil if there is none. A value that was put
// empty is returned empty and not nil.
func (r Records) Get(key string) ([]byte, error) {
	v, err := database.First(r.t.db, (*database.Row).Value, "SELECT value FROM mls_records WHERE epoch = ? AND key = ?", r.epoch[:], key)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	return v, err
}

// Put stores a value under key.
func (r Records) Put(key string, value []byte) error {
	return r.t.db.Do(`INSERT INTO mls_records (epoch, key, value) VALUES (?, ?, ?)
		ON CONFLICT (epoch, key) DO UPDATE SET value = excluded.value`, r.epoch[:], key, value)
}

// Delete erases the value of key; it is no error if there is none.
func (r Records) Delete(key string) error {
	return r.t.db.Do("DELETE FROM mls_records WHERE epoch = ? AND key = ?", r.epoch[:], key)
}
