package store

import (
	"bytes"
	"context"
	"time"

	bolt "go.etcd.io/bbolt"

	"quicnprotochat/relay/store/ledger"
	"quicnprotochat/rpc"
	"quicnprotochat/transport"
)

// SetHybridKey stores the hybrid key blob of owner in place of the one before.
func (s *Store) SetHybridKey(ctx context.Context, owner rpc.Identity, blob []byte) error {
	return s.submit(ctx, len(blob), func(b *batch) error {
		return b.Put(bucketHybridKeys, owner[:], stamped(b.Now, blob))
	})
}

// HybridKeys returns the blob of each owner, nil where none is stored.
func (s *Store) HybridKeys(ctx context.Context, owners []rpc.Identity) ([][]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	blobs := make([][]byte, len(owners))
	err := s.View(func(tx *bolt.Tx) error {
		for i, owner := range owners {
			body := s.cfg.record(tx, bucketHybridKeys, owner[:])
			if _, blob, err := parseStamped(body); err == nil {
				blobs[i] = bytes.Clone(blob)
			}
		}
		return nil
	})
	return blobs, err
}

// SetEndpoint stores an endpoint record that holds until expiry, and the generation
// of deposit passes in it, which outlives it. ErrStale if its seq is lower than that
// of the stored one, or equal with other bytes; the same record again is no error.
func (s *Store) SetEndpoint(ctx context.Context, owner rpc.Identity, seq uint64, expiry time.Time, generation uint32, record []byte) error {
	return s.submit(ctx, len(record), func(b *batch) error {
		stored, found := b.cfg.endpoint(b.Tx, owner)
		switch {
		case found && stored.seq == seq && bytes.Equal(stored.record, record):
			return nil
		case found && stored.seq >= seq:
			return ErrStale
		}
		if err := b.setGeneration(owner, generation); err != nil {
			return err
		}
		return b.Put(bucketEndpoints, owner[:], endpoint{seq, expiry.UnixMilli(), record}.bytesOf())
	})
}

// Endpoint returns the record of owner, nil if there is none that still holds.
func (s *Store) Endpoint(ctx context.Context, owner rpc.Identity) (record []byte, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	err = s.View(func(tx *bolt.Tx) error {
		if e, found := s.cfg.endpoint(tx, owner); found {
			record = bytes.Clone(e.record)
		}
		return nil
	})
	return record, err
}

// endpoint returns what is stored for owner if it has not expired.
func (c *Config) endpoint(tx *bolt.Tx, owner rpc.Identity) (endpoint, bool) {
	body := c.record(tx, bucketEndpoints, owner[:])
	if body == nil {
		return endpoint{}, false
	}
	e, err := parseEndpoint(body)
	return e, err == nil && e.expiry > c.Now().UnixMilli()
}

// record reads a value of a flat bucket, not copied; nil if it is absent. One
// that is damaged is named in the log and counts as absent.
func (c *Config) record(tx *bolt.Tx, bucket, key []byte) []byte {
	v := tx.Bucket(bucket).Get(key)
	if v == nil {
		return nil
	}
	body, err := ledger.Unseal(bucket, key, v)
	if err != nil {
		c.Log.Error("record damaged", "table", string(bucket), "peer", transport.Key(key[:ownerSize]), "err", err)
		return nil
	}
	return body
}
