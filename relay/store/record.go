package store

import (
	"bytes"
	"context"
	"encoding/binary"
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
	blobs := make([][]byte, len(owners))
	err := s.view(ctx, func(tx *bolt.Tx) error {
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
	return s.recordOf(ctx, owner, (*Config).endpoint)
}

// LastEndpoint returns the record of owner, also for Config.Forget after it held: nil if
// there is none.
func (s *Store) LastEndpoint(ctx context.Context, owner rpc.Identity) (record []byte, err error) {
	return s.recordOf(ctx, owner, (*Config).lastEndpoint)
}

func (s *Store) recordOf(ctx context.Context, owner rpc.Identity, find func(*Config, *bolt.Tx, rpc.Identity) (endpoint, bool)) (record []byte, err error) {
	err = s.view(ctx, func(tx *bolt.Tx) error {
		if e, found := find(&s.cfg, tx, owner); found {
			record = bytes.Clone(e.record)
		}
		return nil
	})
	return record, err
}

// endpoint returns what is stored for owner if it has not expired.
func (c *Config) endpoint(tx *bolt.Tx, owner rpc.Identity) (endpoint, bool) {
	e, found := c.lastEndpoint(tx, owner)
	return e, found && e.expiry > c.Now().UnixMilli()
}

// lastEndpoint returns what is stored for owner.
func (c *Config) lastEndpoint(tx *bolt.Tx, owner rpc.Identity) (endpoint, bool) {
	body := c.record(tx, bucketEndpoints, owner[:])
	if body == nil {
		return endpoint{}, false
	}
	e, err := parseEndpoint(body)
	return e, err == nil
}

// generationFresh is how long the time at which a generation was told is left as it
// is: it is told again with each endpoint.
const generationFresh = 24 * time.Hour

// Generation returns the highest generation of deposit passes that owner has told,
// for Config.Forget after the last time. found is false if that is unknown.
func (s *Store) Generation(ctx context.Context, owner rpc.Identity) (generation uint32, found bool, err error) {
	err = s.view(ctx, func(tx *bolt.Tx) error {
		_, generation, found = s.cfg.generation(tx, owner)
		return nil
	})
	return generation, found, err
}

// generation returns what is stored, and since when it is.
func (c *Config) generation(tx *bolt.Tx, owner rpc.Identity) (at int64, generation uint32, found bool) {
	at, body, err := parseStamped(c.record(tx, bucketGenerations, owner[:]))
	if err != nil || len(body) != 4 {
		return 0, 0, false
	}
	return at, binary.BigEndian.Uint32(body), true
}

// setGeneration notes the generation of owner, which never goes back.
func (b *batch) setGeneration(owner rpc.Identity, generation uint32) error {
	at, stored, found := b.cfg.generation(b.Tx, owner)
	if found && generation <= stored && b.Now-at < generationFresh.Milliseconds() {
		return nil
	}
	generation = max(generation, stored)
	return b.Put(bucketGenerations, owner[:], stamped(b.Now, binary.BigEndian.AppendUint32(nil, generation)))
}

// view is View for a call that has not been given up.
func (s *Store) view(ctx context.Context, fn func(*bolt.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.View(fn)
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
