package store

import (
	"encoding/binary"

	bolt "go.etcd.io/bbolt"
)

// bbolt keeps the sequence of a bucket beside its root page, and nothing there tells
// that a bit has changed. A sequence that went back would be given twice, and the
// payload that has it replaced. So an inbox goes on from what its header says, and
// the shared payloads from the highest that is there.

// sequenceOf is the highest sequence that an inbox has given. Without a word of its
// header it is at least that of its newest entry.
func sequenceOf(b *bolt.Bucket, h header) uint64 {
	if h.last != 0 {
		return h.last
	}
	c := b.Cursor()
	k, _ := c.Seek(behind)
	if k == nil {
		k, _ = c.Last()
	} else {
		k, _ = c.Prev()
	}
	if len(k) == 8 {
		return max(b.Sequence(), binary.BigEndian.Uint64(k))
	}
	return b.Sequence()
}

// next gives the next sequence of an inbox.
func (q *queue) next(b *batch) (uint64, error) {
	q.head.last = max(sequenceOf(q.b, q.head), b.Totals.Base) + 1
	return q.head.last, q.b.SetSequence(q.head.last)
}

// checkSequence tells when the header of an inbox does not say what bbolt does.
func checkSequence(key []byte, b *bolt.Bucket) string {
	h, err := headerOf(key, b)
	if err != nil || h.last == 0 || h.last == b.Sequence() {
		return ""
	}
	return "sequence is not that of its header"
}

// nextShared gives the number of a shared payload, above all that are there.
func nextShared(payloads *bolt.Bucket) (uint64, error) {
	number, err := payloads.NextSequence()
	if err != nil {
		return 0, err
	}
	if k, _ := payloads.Cursor().Last(); len(k) == 8 && binary.BigEndian.Uint64(k) >= number {
		number = binary.BigEndian.Uint64(k) + 1
		err = payloads.SetSequence(number)
	}
	return number, err
}
