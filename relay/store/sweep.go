package store

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"

	bolt "go.etcd.io/bbolt"
)

const (
	// sweepScan bounds the records that one slice looks at, expireBudget the
	// payloads that one slice, or one append to a full inbox, removes.
	sweepScan    = 1000
	expireBudget = 500
)

// errBudget ends a slice that removed as much as it may.
var errBudget = errors.New("budget used up")

// sweepPosition is where the next slice goes on.
type sweepPosition struct {
	stage int
	key   []byte
}

// sweepStage is one bucket and its rule: due tells whether a record must go; drop
// removes it in the writer, or as much of it as budget allows, and reports
// errBudget if some is left.
type sweepStage struct {
	bucket []byte
	due    func(c *Config, b *bolt.Bucket, k, v []byte) bool
	drop   func(b *batch, bucket, k []byte, budget *int) error
}

var sweepStages = []sweepStage{
	{bucketInboxes, inboxDue, (*batch).sweepInbox},
	{bucketPayloads, sharedDue, (*batch).sweepShared},
	{bucketStocks, stockDue, (*batch).sweepStock},
	{bucketHybridKeys, outlived(bucketHybridKeys), (*batch).sweepRecord},
	{bucketEndpoints, endpointDue, (*batch).sweepRecord},
	{bucketGenerations, outlived(bucketGenerations), (*batch).sweepRecord},
	{bucketSessions, expired(bucketSessions), (*batch).sweepRecord},
	{bucketInvites, expired(bucketInvites), (*batch).sweepRecord},
	{bucketChannels, channelDue, (*batch).sweepChannel},
}

// Sweep removes what has expired, one bounded slice at a time, and reports
// whether it came to the end of the store. One goroutine calls it, until it is
// done, and again after a while.
func (s *Store) Sweep(ctx context.Context) (done bool, err error) {
	if s.tight.Load() {
		if err := s.refillReserve(); err != nil {
			return false, err
		}
	}
	stage := sweepStages[s.sweep.stage]
	due, next, err := s.scan(stage)
	if err != nil {
		return false, err
	}
	if len(due) > 0 {
		var left []byte
		err := s.submit(ctx, 0, func(b *batch) (err error) {
			left, err = b.sweep(stage, due)
			return err
		})
		if err != nil {
			return false, err
		}
		if left != nil {
			next = left
		}
	}
	s.sweep.key = next
	if next == nil {
		s.sweep.stage = (s.sweep.stage + 1) % len(sweepStages)
	}
	return next == nil && s.sweep.stage == 0, nil
}

// scan looks at the next records of a stage: which are due, and where to go on.
func (s *Store) scan(stage sweepStage) (due [][]byte, next []byte, err error) {
	err = s.view(func(tx *bolt.Tx) error {
		b := tx.Bucket(stage.bucket)
		c := b.Cursor()
		n := 0
		for k, v := c.Seek(s.sweep.key); k != nil; k, v = c.Next() {
			if n++; n > sweepScan || len(due) >= expireBudget {
				next = bytes.Clone(k)
				return nil
			}
			if stage.due(&s.cfg, b, k, v) {
				due = append(due, bytes.Clone(k))
			}
		}
		return nil
	})
	return due, next, err
}

// sweep drops the records and returns the first one that is not done.
func (b *batch) sweep(stage sweepStage, due [][]byte) (left []byte, err error) {
	budget := expireBudget
	bucket := b.tx.Bucket(stage.bucket)
	for _, k := range due {
		// It may have been replaced since it was looked at.
		if !stage.due(b.cfg, bucket, k, bucket.Get(k)) {
			continue
		}
		err := stage.drop(b, stage.bucket, k, &budget)
		if errors.Is(err, errBudget) {
			return k, nil
		}
		if err != nil {
			return nil, err
		}
	}
	return nil, nil
}

func inboxDue(c *Config, b *bolt.Bucket, k, _ []byte) bool {
	inbox := b.Bucket(k)
	if inbox == nil {
		return false // forgotten since
	}
	first, v := inbox.Cursor().First()
	if len(first) == 8 {
		return arrivalOf(v) < c.oldest()
	}
	return c.forgotten(inbox.Get(keyHeader))
}

// forgotten reports whether an empty inbox has been unused for long.
func (c *Config) forgotten(header []byte) bool {
	if len(header) < sumSize {
		return true
	}
	h, err := parseHeader(header[:len(header)-sumSize])
	return err != nil || h.count == 0 && int64(h.used) < c.Now().Add(-c.Forget).UnixMilli()
}

func (b *batch) sweepInbox(_, k []byte, budget *int) error {
	id, ok := parseInboxKey(k)
	if !ok {
		return nil
	}
	q, err := b.inbox(id)
	if err != nil || q.b == nil {
		return err
	}
	before := q.head.count
	if err := b.expire(q, *budget); err != nil {
		return err
	}
	*budget -= int(before - q.head.count)
	if *budget <= 0 {
		return errBudget
	}
	if first, _ := q.b.Cursor().First(); len(first) == 8 || !b.cfg.forgotten(q.b.Get(keyHeader)) {
		return nil
	}
	return b.forget(q)
}

// expire removes at most budget payloads that are past their retention. They
// are in the order of their arrival.
func (b *batch) expire(q *queue, budget int) error {
	if q.b == nil {
		return nil
	}
	oldest, last, n := b.cfg.oldest(), uint64(0), 0
	c := q.b.Cursor()
	for k, v := c.First(); len(k) == 8 && n < budget; k, v = c.Next() {
		if arrivalOf(v) >= oldest {
			break
		}
		last = binary.BigEndian.Uint64(k)
		n++
	}
	return b.remove(q, last, budget)
}

// forget gives up the place of an empty inbox. The floor keeps its sequence from
// going back should it return.
func (b *batch) forget(q *queue) error {
	b.totals.floor = max(b.totals.floor, sequenceOf(q.b, q.head))
	b.shrink(recordOverhead)
	return abort(b.tx.Bucket(bucketInboxes).DeleteBucket(q.key))
}

// outlived reports whether a record that begins with a time was made long ago, or
// is damaged.
func outlived(bucket []byte) func(*Config, *bolt.Bucket, []byte, []byte) bool {
	return func(c *Config, _ *bolt.Bucket, k, v []byte) bool {
		body, err := open(bucket, k, v)
		if err != nil {
			return true
		}
		at, _, err := parseStamped(body)
		return err != nil || at < c.Now().Add(-c.Forget).UnixMilli()
	}
}

func endpointDue(c *Config, _ *bolt.Bucket, k, v []byte) bool {
	body, err := open(bucketEndpoints, k, v)
	if err != nil {
		return true
	}
	e, err := parseEndpoint(body)
	return err != nil || e.expiry <= c.Now().UnixMilli()
}

func (b *batch) sweepRecord(bucket, k []byte, budget *int) error {
	if *budget--; *budget < 0 {
		return errBudget
	}
	return b.deleteRecord(bucket, k)
}
