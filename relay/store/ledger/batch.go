package ledger

import (
	bolt "go.etcd.io/bbolt"
)

// Batch is one transaction of Run, for the writes that gathered.
type Batch struct {
	Tx *bolt.Tx
	// Now is when it began, in Unix milliseconds.
	Now int64
	// Totals are written with the rest of it, if they changed.
	Totals Totals

	before   Totals
	maxBytes int64
	tight    bool // the disk is full: nothing may grow
}

// abortError means that a write failed half way: the whole transaction goes.
type abortError struct{ error }

// Abort marks the error of a write that has changed something already: all that
// is in its transaction fails with it. Nil stays nil.
func Abort(err error) error {
	if err == nil {
		return nil
	}
	return abortError{err}
}

// Room reports whether n more bytes may be stored.
func (b *Batch) Room(n uint64) bool {
	return !b.tight && b.Totals.Bytes+n <= uint64(b.maxBytes)
}

// Grow counts n bytes in.
func (b *Batch) Grow(n uint64) { b.Totals.Bytes += n }

// Shrink counts n bytes out. It never goes below zero: a total that is off must not
// block the relay.
func (b *Batch) Shrink(n uint64) { b.Totals.Bytes -= min(n, b.Totals.Bytes) }

// Put puts a record in place of what is there, with its checksum, or refuses with
// ErrBusy if there is no room.
func (b *Batch) Put(table, key, body []byte) error {
	size := RecordSize(len(body) + SumSize)
	if old := RecordSize(len(b.Tx.Bucket(table).Get(key))); size > old && !b.Room(size-old) {
		return ErrBusy
	}
	return b.Replace(table, key, body)
}

// Replace is Put without a bound.
func (b *Batch) Replace(table, key, body []byte) error {
	value := Seal(table, key, body)
	b.Shrink(RecordSize(len(b.Tx.Bucket(table).Get(key))))
	b.Grow(RecordSize(len(value)))
	return Abort(b.Tx.Bucket(table).Put(key, value))
}

// Delete deletes a record, if it is there.
func (b *Batch) Delete(table, key []byte) error {
	b.Shrink(RecordSize(len(b.Tx.Bucket(table).Get(key))))
	return Abort(b.Tx.Bucket(table).Delete(key))
}

func (b *Batch) finish() error {
	if b.Totals == b.before {
		return nil
	}
	return b.Totals.Put(b.Tx)
}
