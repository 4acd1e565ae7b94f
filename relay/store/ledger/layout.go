package ledger

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	bolt "go.etcd.io/bbolt"

	"quicnprotochat/relay/store/file"
)

// Layout says which tables a ledger has. A table is a bucket of records, or of
// buckets with records; each value ends in its checksum (Seal).
type Layout struct {
	// Format is the version of all that is in the file. One with a higher number is
	// ErrNewer.
	Format uint32
	// Tables are the names of the tables.
	Tables [][]byte
	// Late are tables that a ledger of before them lacks until it is opened for
	// writing. A program of before them leaves them alone.
	Late [][]byte
	// Check says what is wrong with a bucket within a table, beside its records;
	// "" for nothing. Default: nothing is.
	Check func(key []byte, b *bolt.Bucket) string
}

// The ledger has a table of its own. Integers are big-endian, and every value but
// the format ends in a checksum over its place (bucket and key) and itself, because
// bbolt checks nothing but its two meta pages.
//
//	meta         format       u32
//	             totals       bytes u64, floor u64, base u64
//	             secret NAME  see Secret
var (
	bucketMeta = []byte("meta")

	keyFormat = []byte("format")
	keyTotals = []byte("totals")
)

func keySecret(name string) []byte { return []byte("secret " + name) }

func (y *Layout) initialize(tx *bolt.Tx) error {
	for _, name := range slices.Concat([][]byte{bucketMeta}, y.Tables, y.Late) {
		if _, err := tx.CreateBucket(name); err != nil {
			return err
		}
	}
	if err := tx.Bucket(bucketMeta).Put(keyFormat, binary.BigEndian.AppendUint32(nil, y.Format)); err != nil {
		return err
	}
	return Totals{}.Put(tx)
}

// check looks whether a file is of this layout.
func (y *Layout) check(tx *bolt.Tx) error {
	meta := tx.Bucket(bucketMeta)
	if meta == nil {
		return fmt.Errorf("%w: not a relay's store", ErrDamaged)
	}
	v := meta.Get(keyFormat)
	if len(v) != 4 {
		return fmt.Errorf("%w: no format", ErrDamaged)
	}
	if n := binary.BigEndian.Uint32(v); n > y.Format {
		return fmt.Errorf("%w: format %d", ErrNewer, n)
	} else if n < y.Format {
		return fmt.Errorf("%w: format %d", ErrDamaged, n)
	}
	for _, name := range y.Tables {
		if tx.Bucket(name) == nil {
			return fmt.Errorf("%w: no bucket %s", ErrDamaged, name)
		}
	}
	_, err := ReadTotals(tx)
	return err
}

// addLate makes the late tables in a ledger of before them.
func (l *Ledger) addLate() error {
	late := l.cfg.Layout.Late
	lacking := false
	err := l.View(func(tx *bolt.Tx) error {
		lacking = slices.ContainsFunc(late, func(name []byte) bool { return tx.Bucket(name) == nil })
		return nil
	})
	if err != nil || !lacking {
		return err
	}
	return l.db.Update(func(tx *bolt.Tx) error {
		for _, name := range late {
			if _, err := tx.CreateBucketIfNotExists(name); err != nil {
				return err
			}
		}
		return nil
	})
}

// viewFile runs fn in a read transaction of a ledger that nobody has open for
// writing. It follows no page that it did not check.
func viewFile(path string, fn func(*bolt.Tx) error) error {
	if err := file.Check(path); err != nil {
		return err
	}
	db, err := file.OpenReadOnly(path)
	if err != nil {
		return err
	}
	return errors.Join(file.Guard(func() error { return db.View(fn) }), db.Close())
}

// UpdateFile runs fn in one transaction of the ledger at path, which is not open,
// and waits until it is on the disk. The errors are those of fn and of Open.
func UpdateFile(path string, layout Layout, fn func(*bolt.Tx) error) error {
	if err := file.Check(path); err != nil {
		return err
	}
	db, err := file.Open(path)
	if err != nil {
		return err
	}
	err = file.Guard(func() error {
		return db.Update(func(tx *bolt.Tx) error {
			if err := layout.check(tx); err != nil {
				return err
			}
			return fn(tx)
		})
	})
	return errors.Join(err, db.Close())
}
