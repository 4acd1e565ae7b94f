package keys

import (
	"context"
	"errors"
	"fmt"
	"time"

	"quicnprotochat/mls/seal"
	"quicnprotochat/node/identity"
	"quicnprotochat/node/store"
	"quicnprotochat/rpc"
)

// ErrUnknownKey means a payload sealed to a hybrid key that this node does not
// have, or no longer.
var ErrUnknownKey = errors.New("sealed to a key that is not here")

// Config says whose keys they are.
type Config struct {
	Store    *store.Store
	Identity *identity.Identity
}

// Keys is this node's stock of keys.
type Keys struct {
	store *store.Store
	id    *identity.Identity
}

// New returns the stock kept in cfg.Store.
func New(cfg Config) *Keys { return &Keys{store: cfg.Store, id: cfg.Identity} }

// Hybrid returns the blob of the present hybrid key. It makes the first one,
// replaces one that is due, and erases those whose grace is over.
func (k *Keys) Hybrid(ctx context.Context, now time.Time) (blob []byte, err error) {
	err = k.store.View(ctx, func(tx *store.Tx) error {
		rows, err := tx.HybridKeys()
		for _, row := range rows {
			if row.Replaced.IsZero() && now.Before(row.NotBefore.Add(seal.KeyRotation)) && !now.Before(row.NotBefore) {
				blob = row.Blob
			}
			if erasable(row, now) {
				blob = nil
				break
			}
		}
		return err
	})
	if err != nil || blob != nil {
		return blob, err
	}
	err = k.store.Update(ctx, func(tx *store.Tx) error {
		blob, err = k.rotate(tx, now)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("hybrid key: %w", err)
	}
	return blob, nil
}

func erasable(row store.HybridKey, now time.Time) bool {
	return !row.Replaced.IsZero() && now.Sub(row.Replaced) > seal.KeyErasure
}

// rotate brings the hybrid keys of the store to what now asks for and returns
// the present blob.
func (k *Keys) rotate(tx *store.Tx, now time.Time) (blob []byte, err error) {
	rows, err := tx.HybridKeys()
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		switch {
		case erasable(row, now):
			err = tx.DeleteHybridKey(row.ID)
		case !row.Replaced.IsZero():
		case now.Before(row.NotBefore.Add(seal.KeyRotation)) && !now.Before(row.NotBefore):
			blob = row.Blob
		default:
			// A clock that went back must not make the key older than it is.
			row.Replaced = now
			if row.NotBefore.After(now) {
				row.Replaced = row.NotBefore
			}
			err = tx.PutHybridKey(row)
		}
		if err != nil {
			return nil, err
		}
	}
	if blob != nil {
		return blob, nil
	}
	key, err := seal.NewHybridKey(now, k.id.Sign)
	if err != nil {
		return nil, err
	}
	row := store.HybridKey{ID: key.ID(), Private: key.Bytes(), Blob: key.Blob(), NotBefore: key.NotBefore(), NotAfter: key.NotAfter()}
	return row.Blob, tx.PutHybridKey(row)
}

// Renew lets the next call of Hybrid make another key, because another home may have the
// present one. What is sealed to that opens for its grace still.
func Renew(tx *store.Tx) error {
	rows, err := tx.HybridKeys()
	for _, row := range rows {
		if err == nil && row.Replaced.IsZero() {
			row.NotBefore = row.NotBefore.Add(-seal.KeyRotation)
			err = tx.PutHybridKey(row)
		}
	}
	return err
}

// Open opens a payload of kind 0x02 that was sealed to this node. It returns
// ErrUnknownKey if its key is not in the store.
func (k *Keys) Open(tx *store.Tx, payload []byte) (frame []byte, err error) {
	id, err := seal.PayloadKeyID(payload)
	if err != nil {
		return nil, err
	}
	row, err := tx.HybridKey(id)
	if store.IsNotFound(err) {
		return nil, ErrUnknownKey
	}
	if err != nil {
		return nil, err
	}
	key, err := seal.ParsePrivateKey(row.Private)
	if err != nil {
		return nil, fmt.Errorf("hybrid key: %w", store.ErrDamaged)
	}
	return key.Open(payload, k.id.ID())
}

// Of returns the newest hybrid key seen of another person. It returns
// store.ErrNotFound if none is known or the known one has ended.
func Of(tx *store.Tx, id rpc.Identity, now time.Time) (*seal.HybridKey, error) {
	blob, _, err := tx.PeerHybridKey(id)
	if err != nil {
		return nil, err
	}
	key, err := seal.ParseHybridKey(blob, id, now)
	if err != nil {
		return nil, store.ErrNotFound
	}
	return key, nil
}

// Learn keeps the blob of another person's hybrid key. A blob that is unsigned,
// expired or older than the one seen before is refused, unless that is not good yet: it
// was seen by a clock that was ahead.
func Learn(tx *store.Tx, id rpc.Identity, blob []byte, now time.Time) error {
	key, err := seal.ParseHybridKey(blob, id, now)
	if err != nil {
		return err
	}
	_, seen, err := tx.PeerHybridKey(id)
	switch {
	case store.IsNotFound(err):
	case err != nil:
		return err
	case seen.After(now.Add(seal.ClockSkew)):
		if err := tx.DropPeerHybridKey(id); err != nil {
			return err
		}
	case key.NotBefore().Before(seen):
		return errors.New("hybrid key is older than the one seen before")
	}
	return tx.PutPeerHybridKey(id, blob, key.NotBefore())
}
