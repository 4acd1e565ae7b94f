package store

import (
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"

	"quicnprotochat/relay/store/ledger"
)

const (
	// baseShift makes a sequence of a time: each second between two restores has
	// room for a million payloads in one inbox. Such a sequence is exact in a
	// float64 as well.
	baseShift = 20
	// baseStep is the least that a restore goes ahead of what the file knows,
	// should the clock have been set back.
	baseStep = 1 << 30
)

// MarkRestored tells the store at path, which is not open, that it is a copy of
// another time, put back: since the copy was made the relay may have given
// sequences and handed out key packages that this file knows nothing of. So each
// sequence given from now on is above all that could have been given until now,
// and the single-use key packages of before are handed out no more; the
// last-resort ones are, until their owners bring new ones. It takes one commit,
// however much is stored. It may be called again: that skips more sequences. The
// errors are those of Open.
func MarkRestored(path string, now time.Time) error {
	err := ledger.UpdateFile(path, Layout, func(tx *bolt.Tx) error { return markRestored(tx, now) })
	if err != nil {
		return fmt.Errorf("mark restored: %w", err)
	}
	return nil
}

func markRestored(tx *bolt.Tx, now time.Time) error {
	t, err := ledger.ReadTotals(tx)
	if err != nil {
		return err
	}
	highest := max(t.Floor, t.Base)
	inboxes := tx.Bucket(bucketInboxes)
	err = inboxes.ForEachBucket(func(k []byte) error {
		b := inboxes.Bucket(k)
		h, _ := headerOf(k, b) // if it is damaged the entries tell
		highest = max(highest, sequenceOf(b, h))
		return nil
	})
	if err != nil {
		return err
	}
	t.Base = max(highest+baseStep, uint64(max(0, now.Unix()))<<baseShift)
	return t.Put(tx)
}
