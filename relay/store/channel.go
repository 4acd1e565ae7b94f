package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"

	bolt "go.etcd.io/bbolt"
	"golang.org/x/crypto/cryptobyte"

	"quicnprotochat/relay/store/ledger"
	"quicnprotochat/rpc"
)

// maxChannels bounds the channels that one identity made.
const maxChannels = 1000

// ChannelOf returns the channel of two identities; if there is none, fresh
// becomes its id. One that nobody asked for or used for Config.Forget is gone.
// ErrBusy if maker has made too many.
func (s *Store) ChannelOf(ctx context.Context, maker, peer rpc.Identity, fresh rpc.Channel) (ch rpc.Channel, err error) {
	key := pairKey(maker, peer)
	found := false
	err = s.View(func(tx *bolt.Tx) error {
		ch, found = s.cfg.channelID(tx, key)
		return nil
	})
	if err != nil {
		return ch, err
	}
	if found {
		return ch, s.touchChannel(ctx, ch)
	}
	err = s.submit(ctx, 0, func(b *batch) (err error) {
		ch, err = b.makeChannel(key, maker, peer, fresh)
		return err
	})
	return ch, err
}

// ChannelPeer returns the other member of a channel; found is false if there is
// no such channel or id is none of its members.
func (s *Store) ChannelPeer(ctx context.Context, ch rpc.Channel, id rpc.Identity) (peer rpc.Identity, found bool, err error) {
	var c channel
	err = s.view(ctx, func(tx *bolt.Tx) error {
		c, found = s.cfg.channel(tx, ch)
		return nil
	})
	if err != nil || !found {
		return peer, false, err
	}
	switch id {
	case c.maker:
		return c.peer, true, s.touchChannel(ctx, ch)
	case c.peer:
		return c.maker, true, s.touchChannel(ctx, ch)
	}
	return peer, false, nil
}

// channel is what is kept of a channel, under the hash of its id; under the hash
// of its members is its id, and at an identity how many it made.
type channel struct {
	used        int64
	maker, peer rpc.Identity
	id          rpc.Channel
}

func (b *batch) makeChannel(key [32]byte, maker, peer rpc.Identity, fresh rpc.Channel) (rpc.Channel, error) {
	if ch, found := b.cfg.channelID(b.Tx, key); found {
		return ch, nil // made meanwhile
	}
	made := b.cfg.channelsMade(b.Tx, maker)
	c := channel{b.Now, maker, peer, fresh}
	if made >= maxChannels || !b.Room(3*ledger.RecordSize(len(c.bytesOf())+ledger.SumSize)) {
		return rpc.Channel{}, ErrBusy
	}
	id := channelKey(fresh)
	if err := b.Replace(bucketChannels, id[:], c.bytesOf()); err != nil {
		return rpc.Channel{}, err
	}
	if err := b.Replace(bucketPairs, key[:], bytes.Clone(fresh[:])); err != nil {
		return rpc.Channel{}, err
	}
	return fresh, b.Replace(bucketMade, maker[:], u64(made+1))
}

// touchChannel notes that a channel is in use, once a day.
func (s *Store) touchChannel(ctx context.Context, ch rpc.Channel) error {
	due := false
	const day = 24 * 60 * 60 * 1000
	now := s.cfg.Now().UnixMilli()
	err := s.View(func(tx *bolt.Tx) error {
		c, found := s.cfg.channel(tx, ch)
		due = found && now-c.used > day
		return nil
	})
	if err != nil || !due {
		return err
	}
	return s.submit(ctx, 0, func(b *batch) error {
		c, found := b.cfg.channel(b.Tx, ch)
		if !found {
			return nil
		}
		c.used = b.Now
		key := channelKey(ch)
		return b.Replace(bucketChannels, key[:], c.bytesOf())
	})
}

func channelDue(c *Config, _ *bolt.Bucket, k, v []byte) bool {
	body, err := ledger.Unseal(bucketChannels, k, v)
	if err != nil {
		return true
	}
	ch, err := parseChannel(body)
	return err != nil || ch.used < c.Now().Add(-c.Forget).UnixMilli()
}

// sweepChannel drops a channel with what leads to it.
func (b *batch) sweepChannel(bucket, k []byte, budget *int) error {
	if *budget--; *budget < 0 {
		return ledger.ErrBudget
	}
	if ch, err := parseChannel(b.cfg.record(b.Tx, bucket, k)); err == nil {
		key := pairKey(ch.maker, ch.peer)
		if err := b.Delete(bucketPairs, key[:]); err != nil {
			return err
		}
		left := b.cfg.channelsMade(b.Tx, ch.maker)
		if left > 1 {
			err = b.Replace(bucketMade, ch.maker[:], u64(left-1))
		} else {
			err = b.Delete(bucketMade, ch.maker[:])
		}
		if err != nil {
			return err
		}
	}
	return b.Delete(bucket, k)
}

func (c *Config) channelID(tx *bolt.Tx, pair [32]byte) (ch rpc.Channel, found bool) {
	return ch, copy(ch[:], c.record(tx, bucketPairs, pair[:])) == len(ch)
}

func (c *Config) channel(tx *bolt.Tx, ch rpc.Channel) (channel, bool) {
	key := channelKey(ch)
	body := c.record(tx, bucketChannels, key[:])
	if body == nil {
		return channel{}, false
	}
	found, err := parseChannel(body)
	return found, err == nil && found.id == ch
}

func (c *Config) channelsMade(tx *bolt.Tx, maker rpc.Identity) uint64 {
	if body := c.record(tx, bucketMade, maker[:]); len(body) == 8 {
		return binary.BigEndian.Uint64(body)
	}
	return 0
}

func channelKey(ch rpc.Channel) [32]byte { return sha256.Sum256(ch[:]) }

// pairKey is the same for two identities in either order.
func pairKey(a, b rpc.Identity) [32]byte {
	if bytes.Compare(a[:], b[:]) > 0 {
		a, b = b, a
	}
	return sha256.Sum256(append(append([]byte(nil), a[:]...), b[:]...))
}

func (c channel) bytesOf() []byte {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, 8+2*ownerSize+16+ledger.SumSize), uint64(c.used))
	b = append(append(b, c.maker[:]...), c.peer[:]...)
	return append(b, c.id[:]...)
}

func parseChannel(body []byte) (c channel, err error) {
	s := cryptobyte.String(body)
	var used uint64
	if !s.ReadUint64(&used) || !s.CopyBytes(c.maker[:]) || !s.CopyBytes(c.peer[:]) || !s.CopyBytes(c.id[:]) || !s.Empty() {
		return c, ErrDamaged
	}
	c.used = int64(used)
	return c, nil
}
