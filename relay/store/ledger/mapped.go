package ledger

import (
	bolt "go.etcd.io/bbolt"

	"quicnprotochat/relay/store/file"
)

// mappedMost is how many bytes of the mapped file are used before they are
// given back to the system. It keeps them cached as long as it likes, but they
// no longer count as memory of this process, which could reach the size of the
// file.
const mappedMost = 8 << 20

// Touch counts bytes of the mapped file that were read.
func (l *Ledger) Touch(n int64) {
	if l.touched.Add(n) < mappedMost {
		return
	}
	l.touched.Store(0)
	// The mapping stays where it is for as long as a transaction reads.
	_ = l.View(func(tx *bolt.Tx) error {
		file.Unmap(l.db, tx.Size())
		return nil
	})
}
