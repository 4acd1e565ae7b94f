package store

import (
	"context"
	"encoding/binary"
	"math"

	bolt "go.etcd.io/bbolt"

	"quicnprotochat/relay/store/ledger"
	"quicnprotochat/relay/store/share"
	"quicnprotochat/rpc"
	"quicnprotochat/transport"
)

// Inbox names one queue of payloads: an owner's, or that of one of the owner's
// channels.
type Inbox struct {
	Owner   rpc.Identity
	Channel rpc.Channel
}

// Measure returns what the payloads that Peek would return now take at most, as
// rpc.EnvelopeSize counts them; 0 if there are none.
func (s *Store) Measure(ctx context.Context, inbox Inbox, after uint64, limit, maxBytes int) (size int, err error) {
	if err := ctx.Err(); err != nil || after == math.MaxUint64 {
		return 0, err
	}
	err = s.View(func(tx *bolt.Tx) error {
		b := tx.Bucket(bucketInboxes).Bucket(inbox.key())
		if b == nil {
			return nil
		}
		c, n := b.Cursor(), 0
		for k, v := c.Seek(u64(after + 1)); len(k) == 8 && (limit == 0 || n < limit); k, v = c.Next() {
			next := rpc.EnvelopeSize(headOf(v).size)
			if n > 0 && size+next > maxBytes {
				break
			}
			size += next
			n++
		}
		return nil
	})
	return size, err
}

// Peek returns payloads with a sequence above after, oldest first: at most limit
// (0 means any number) and at most maxBytes, as rpc.EnvelopeSize counts them, but
// always the first. Expired ones are left out.
func (s *Store) Peek(ctx context.Context, inbox Inbox, after uint64, limit, maxBytes int) (out []rpc.Envelope, err error) {
	err = s.view(ctx, func(tx *bolt.Tx) error {
		if b := tx.Bucket(bucketInboxes).Bucket(inbox.key()); b != nil {
			out, _ = s.collect(b, inbox, after, limit, maxBytes)
		}
		return nil
	})
	for _, e := range out {
		s.Touch(int64(len(e.Data)))
	}
	return out, err
}

// Drain is Peek from the beginning that also removes what it returns. The bounds
// must stay below those of a commit (16 MiB).
func (s *Store) Drain(ctx context.Context, inbox Inbox, limit, maxBytes int) ([]rpc.Envelope, error) {
	if first, err := s.first(inbox); err != nil || first == 0 {
		return nil, err
	}
	var out []rpc.Envelope
	err := s.submit(ctx, maxBytes, func(b *batch) error {
		q, err := b.inbox(inbox)
		if err != nil || q.b == nil {
			return err
		}
		var last uint64
		out, last = s.collect(q.b, inbox, 0, limit, maxBytes)
		return b.remove(q, last, math.MaxInt)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Ack removes all payloads up to and including upTo.
func (s *Store) Ack(ctx context.Context, inbox Inbox, upTo uint64) error {
	if first, err := s.first(inbox); err != nil || first == 0 || first > upTo {
		return err
	}
	return s.submit(ctx, 0, func(b *batch) error {
		q, err := b.inbox(inbox)
		if err != nil || q.b == nil {
			return err
		}
		return b.remove(q, upTo, math.MaxInt)
	})
}

// first returns the lowest sequence in the inbox, 0 if it is empty.
func (s *Store) first(inbox Inbox) (seq uint64, err error) {
	err = s.View(func(tx *bolt.Tx) error {
		if b := tx.Bucket(bucketInboxes).Bucket(inbox.key()); b != nil {
			if k, _ := b.Cursor().First(); len(k) == 8 {
				seq = binary.BigEndian.Uint64(k)
			}
		}
		return nil
	})
	return seq, err
}

// collect copies payloads out of an inbox and returns the sequence that it got
// to. A payload that is damaged is named in the log and left out: its sender
// still has it.
func (s *Store) collect(b *bolt.Bucket, inbox Inbox, after uint64, limit, maxBytes int) (out []rpc.Envelope, last uint64) {
	if after == math.MaxUint64 {
		return nil, after
	}
	oldest, key, size := s.cfg.oldest(), inbox.key(), 0
	c := b.Cursor()
	for k, v := c.Seek(u64(after + 1)); len(k) == 8 && (limit == 0 || len(out) < limit); k, v = c.Next() {
		seq := binary.BigEndian.Uint64(k)
		e, err := openEntry(key, k, v)
		if err == nil && e.arrival >= oldest && e.kind == entryShared {
			e.payload, err = sharedPayload(b.Tx(), e.number)
		}
		if err != nil {
			s.cfg.Log.Error("payload damaged", "peer", transport.Key(inbox.Owner), "seq", seq, "err", err)
		} else if e.arrival >= oldest {
			if size += rpc.EnvelopeSize(len(e.payload)); size > maxBytes && len(out) > 0 {
				break
			}
			out = append(out, rpc.Envelope{Seq: seq, Data: append([]byte(nil), e.payload...)})
		}
		last = seq
	}
	return out, last
}

// oldest is the arrival of the oldest payload that has not expired.
func (c *Config) oldest() int64 { return c.Now().Add(-c.Retention).UnixMilli() }

// remove deletes at most budget payloads up to and including upTo.
func (b *batch) remove(q *queue, upTo uint64, budget int) error {
	var keys [][]byte
	refs := map[uint64]uint32{}
	c := q.b.Cursor()
	for k, v := c.First(); len(k) == 8 && binary.BigEndian.Uint64(k) <= upTo && len(keys) < budget; k, v = c.Next() {
		keys = append(keys, append([]byte(nil), k...))
		e, err := openEntry(q.key, k, v)
		if err == nil && e.kind == entryShared {
			refs[e.number]++
		}
		cost := payloadCost(e.size)
		q.head.count -= min(q.head.count, 1)
		q.head.bytes -= min(q.head.bytes, cost)
		b.crowds.Remove(q.id, e.from, share.Amount{Count: 1, Bytes: cost})
		b.Shrink(e.cost())
	}
	if len(keys) == 0 {
		return nil
	}
	for _, k := range keys {
		if err := q.b.Delete(k); err != nil {
			return ledger.Abort(err)
		}
	}
	for number, n := range refs {
		if err := b.release(number, n); err != nil {
			return ledger.Abort(err)
		}
	}
	if !q.crowded(b.cfg, 0) {
		b.crowds.Forget(q.id)
	}
	q.head.used = uint64(b.Now)
	return ledger.Abort(q.save())
}
