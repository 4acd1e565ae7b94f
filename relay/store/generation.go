package store

import (
	"context"
	"encoding/binary"
	"time"

	bolt "go.etcd.io/bbolt"

	"quicnprotochat/rpc"
)

// generationFresh is how long the time at which a generation was told is left as it
// is: it is told again with each endpoint.
const generationFresh = 24 * time.Hour

// Generation returns the highest generation of deposit passes that owner has told,
// for Config.Forget after the last time. found is false if that is unknown.
func (s *Store) Generation(ctx context.Context, owner rpc.Identity) (generation uint32, found bool, err error) {
	if err := ctx.Err(); err != nil {
		return 0, false, err
	}
	err = s.View(func(tx *bolt.Tx) error {
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
