package store

import (
	"encoding/binary"

	bolt "go.etcd.io/bbolt"

	"quicnprotochat/relay/store/ledger"
)

// expireBudget bounds the payloads that one append to a full inbox removes.
const expireBudget = 500

// expiry is a table and what becomes of a record in it that is due: see ledger.Expiry.
type expiry struct {
	table []byte
	due   func(c *Config, b *bolt.Bucket, k, v []byte) bool
	drop  func(b *batch, table, k []byte, budget *int) error
}

var expiries = []expiry{
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

// expiries are those of this store.
func (s *Store) expiries() (list []ledger.Expiry) {
	for _, e := range expiries {
		list = append(list, ledger.Expiry{
			Table: e.table,
			Due:   func(b *bolt.Bucket, k, v []byte) bool { return e.due(&s.cfg, b, k, v) },
			Drop:  func(k []byte, budget *int) error { return e.drop(s.current, e.table, k, budget) },
		})
	}
	return list
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
	if len(header) < ledger.SumSize {
		return true
	}
	h, err := parseHeader(header[:len(header)-ledger.SumSize])
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
		return ledger.ErrBudget
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
	b.Totals.Floor = max(b.Totals.Floor, sequenceOf(q.b, q.head))
	b.Shrink(ledger.Overhead)
	return ledger.Abort(b.Tx.Bucket(bucketInboxes).DeleteBucket(q.key))
}

// outlived reports whether a record that begins with a time was made long ago, or
// is damaged.
func outlived(bucket []byte) func(*Config, *bolt.Bucket, []byte, []byte) bool {
	return func(c *Config, _ *bolt.Bucket, k, v []byte) bool {
		body, err := ledger.Unseal(bucket, k, v)
		if err != nil {
			return true
		}
		at, _, err := parseStamped(body)
		return err != nil || at < c.Now().Add(-c.Forget).UnixMilli()
	}
}

// expired reports whether a record that begins with a time of expiry is over, or
// damaged.
func expired(bucket []byte) func(*Config, *bolt.Bucket, []byte, []byte) bool {
	return func(c *Config, _ *bolt.Bucket, k, v []byte) bool {
		body, err := ledger.Unseal(bucket, k, v)
		return err != nil || len(body) < 8 || int64(binary.BigEndian.Uint64(body)) <= c.Now().UnixMilli()
	}
}

func endpointDue(c *Config, _ *bolt.Bucket, k, v []byte) bool {
	body, err := ledger.Unseal(bucketEndpoints, k, v)
	if err != nil {
		return true
	}
	e, err := parseEndpoint(body)
	return err != nil || e.expiry <= c.Now().Add(-c.Forget).UnixMilli()
}

func (b *batch) sweepRecord(bucket, k []byte, budget *int) error {
	if *budget--; *budget < 0 {
		return ledger.ErrBudget
	}
	return b.Delete(bucket, k)
}
