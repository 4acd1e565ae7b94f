package store

import (
	"errors"

	"quicnprotochat/node/store/database"
)

// Meta returns the value that SetMeta stored under key, nil if there is none.
func (t *Tx) Meta(key string) ([]byte, error) {
	v, err := database.First(t.db, (*database.Row).Value, "SELECT value FROM meta WHERE key = ?", key)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	return v, err
}

// SetMeta stores a value under key; nil removes it. Keys are a fixed set of
// names chosen by the callers.
func (t *Tx) SetMeta(key string, value []byte) error {
	if value == nil {
		return t.db.Do("DELETE FROM meta WHERE key = ?", key)
	}
	return t.db.Do("INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
		key, value)
}
