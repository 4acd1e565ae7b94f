package store

import (
	"context"
	"encoding/binary"
	"math"

	bolt "go.etcd.io/bbolt"

	"quicnprotochat/rpc"
	"quicnprotochat/transport"
)

// Inbox names one queue of payloads: an owner's, or that of one of the owner's
// channels.
type Inbox struct {
	Owner   rpc.Identity
	Channel rpc.Channel
}

// Append stores one payload in each of the inboxes, in one transaction, and
// returns their sequence numbers in the order of to. It is all or nothing: when
// one inbox has no room, ErrFull, and nothing is stored. ErrBusy and ErrTooLarge
// (16 MiB for all copies together) are the other refusals.
func (s *Store) Append(ctx context.Context, to []Inbox, payload []byte) ([]uint64, error) {
	if len(payload) > maxCommitBytes || len(to) > maxCommitWrites {
		return nil, ErrTooLarge
	}
	seqs := make([]uint64, len(to))
	err := s.submit(ctx, len(to)*len(payload), func(b *batch) error { return b.append(to, payload, seqs) })
	if err != nil {
		return nil, err
	}
	return seqs, nil
}

// Measure returns what the payloads that Peek would return now take at most, as
// rpc.EnvelopeSize counts them; 0 if there are none.
func (s *Store) Measure(ctx context.Context, inbox Inbox, after uint64, limit, maxBytes int) (size int, err error) {
	if err := ctx.Err(); err != nil || after == math.MaxUint64 {
		return 0, err
	}
	err = s.view(func(tx *bolt.Tx) error {
		b := tx.Bucket(bucketInboxes).Bucket(inbox.key())
		if b == nil {
			return nil
		}
		c, n := b.Cursor(), 0
		for k, v := c.Seek(u64(after + 1)); len(k) == 8 && (limit == 0 || n < limit); k, v = c.Next() {
			next := rpc.EnvelopeSize(max(0, len(v)-8-sumSize))
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
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	err = s.view(func(tx *bolt.Tx) error {
		if b := tx.Bucket(bucketInboxes).Bucket(inbox.key()); b != nil {
			out, _ = s.collect(b, inbox, after, limit, maxBytes)
		}
		return nil
	})
	for _, e := range out {
		s.touch(int64(len(e.Data)))
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
	err = s.view(func(tx *bolt.Tx) error {
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
		body, err := open(key, k, v)
		var at int64
		if err == nil {
			at, body, err = parseStamped(body)
		}
		if err != nil {
			s.cfg.Log.Error("payload damaged", "peer", transport.Key(inbox.Owner), "seq", seq, "err", err)
		} else if at >= oldest {
			if size += rpc.EnvelopeSize(len(body)); size > maxBytes && len(out) > 0 {
				break
			}
			out = append(out, rpc.Envelope{Seq: seq, Data: append([]byte(nil), body...)})
		}
		last = seq
	}
	return out, last
}

// oldest is the arrival of the oldest payload that has not expired.
func (c *Config) oldest() int64 { return c.Now().Add(-c.Retention).UnixMilli() }

// queue is an inbox in a writer's transaction. b is nil if it does not exist.
type queue struct {
	id   Inbox
	key  []byte
	b    *bolt.Bucket
	head header
}

// inbox looks up an inbox and reads its header. A header that is damaged is
// counted again.
func (b *batch) inbox(id Inbox) (*queue, error) {
	q := &queue{id: id, key: id.key()}
	q.b = b.tx.Bucket(bucketInboxes).Bucket(q.key)
	if q.b == nil {
		return q, nil
	}
	q.b.FillPercent = fillPercent
	body, err := open(q.key, keyHeader, q.b.Get(keyHeader))
	if err == nil {
		q.head, err = parseHeader(body)
	}
	if err != nil {
		b.cfg.Log.Error("inbox header damaged", "peer", transport.Key(id.Owner), "err", err)
		q.head = q.recount(b.now)
	}
	return q, nil
}

func (q *queue) recount(now int64) header {
	h := header{used: uint64(now)}
	c := q.b.Cursor()
	for k, v := c.First(); len(k) == 8; k, v = c.Next() {
		h.count++
		h.bytes += recordCost(v)
	}
	return h
}

// recordCost is what a stored payload counts for, seen from its value.
func recordCost(value []byte) uint64 {
	return payloadCost(max(0, len(value)-8-sumSize))
}

func payloadCost(n int) uint64 { return uint64(n) + recordOverhead }

func (b *batch) append(to []Inbox, payload []byte, seqs []uint64) error {
	queues, err := b.admit(to, payload)
	if err != nil {
		return err
	}
	for i, id := range to {
		q := queues[id]
		if q.b == nil {
			if err := b.create(q); err != nil {
				return abort(err)
			}
		}
		if seqs[i], err = q.put(b.now, payload); err != nil {
			return abort(err)
		}
		b.appended[id] = true
	}
	for _, q := range queues {
		if err := q.save(); err != nil {
			return abort(err)
		}
	}
	return nil
}

// admit checks that every inbox has room for its share, and changes nothing but
// to throw out what has expired.
func (b *batch) admit(to []Inbox, payload []byte) (map[Inbox]*queue, error) {
	queues := make(map[Inbox]*queue, len(to))
	wants := make(map[Inbox]uint64, len(to))
	var total uint64
	for _, id := range to {
		wants[id]++
		if queues[id] == nil {
			q, err := b.inbox(id)
			if err != nil {
				return nil, err
			}
			if queues[id] = q; q.b == nil {
				total += recordOverhead
			}
		}
		total += payloadCost(len(payload))
	}
	for id, n := range wants {
		q := queues[id]
		if q.fits(b.cfg, n, payload) {
			continue
		}
		if err := b.expire(q, expireBudget); err != nil {
			return nil, err
		}
		if !q.fits(b.cfg, n, payload) {
			return nil, ErrFull
		}
	}
	return queues, b.grow(total)
}

func (q *queue) fits(c *Config, n uint64, payload []byte) bool {
	return q.head.count+n <= uint64(c.MaxDepth) && q.head.bytes+n*payloadCost(len(payload)) <= uint64(c.MaxInboxBytes)
}

// create makes an inbox whose sequence goes on above all that were forgotten.
func (b *batch) create(q *queue) (err error) {
	q.b, err = b.tx.Bucket(bucketInboxes).CreateBucket(q.key)
	if err != nil {
		return err
	}
	q.b.FillPercent = fillPercent
	return q.b.SetSequence(b.totals.floor)
}

func (q *queue) put(now int64, payload []byte) (uint64, error) {
	seq, err := q.b.NextSequence()
	if err != nil {
		return 0, err
	}
	key := u64(seq)
	q.head.count++
	q.head.bytes += payloadCost(len(payload))
	q.head.used = uint64(now)
	return seq, q.b.Put(key, seal(q.key, key, stamped(now, payload)))
}

func (q *queue) save() error {
	return q.b.Put(keyHeader, seal(q.key, keyHeader, q.head.bytesOf()))
}

// remove deletes at most budget payloads up to and including upTo.
func (b *batch) remove(q *queue, upTo uint64, budget int) error {
	var keys [][]byte
	var bytes uint64
	c := q.b.Cursor()
	for k, v := c.First(); len(k) == 8 && binary.BigEndian.Uint64(k) <= upTo && len(keys) < budget; k, v = c.Next() {
		keys = append(keys, append([]byte(nil), k...))
		bytes += recordCost(v)
	}
	if len(keys) == 0 {
		return nil
	}
	for _, k := range keys {
		if err := q.b.Delete(k); err != nil {
			return abort(err)
		}
	}
	q.head.count -= min(q.head.count, uint64(len(keys)))
	q.head.bytes -= min(q.head.bytes, bytes)
	q.head.used = uint64(b.now)
	b.shrink(bytes)
	return abort(q.save())
}
