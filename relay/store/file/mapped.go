package file

import (
	"errors"
	"runtime"
	"strconv"
	"time"

	bolt "go.etcd.io/bbolt"
)

// growStep is by how much the file grows, in bytes.
const growStep = 1 << 20

// OpenMapped is Open with more address space mapped than it will need:
// bbolt can map more only while nobody reads, so with a reader that takes its
// time (Snapshot) the writer would wait for it.
func OpenMapped(path string, maxBytes int64) (*bolt.DB, error) {
	opts := options(false)
	// A moment ago Check had the file, so nobody else has. Its lock can live on in a
	// child of this process that is being started and has not yet let go of files.
	opts.Timeout = 2 * time.Second
	if strconv.IntSize == 64 && runtime.GOOS != "windows" { // there the file would get that size
		opts.InitialMmapSize = int(min(4*min(maxBytes, 1<<40)+1<<30, 1<<42))
	}
	db, err := open(path, opts)
	if err != nil && opts.InitialMmapSize > 0 && !errors.Is(err, ErrInUse) && !errors.Is(err, ErrDamaged) {
		opts.InitialMmapSize = 0 // the system gives less
		db, err = open(path, opts)
	}
	if err != nil {
		return nil, err
	}
	db.AllocSize = growStep
	return db, nil
}

// Unmap gives the memory of the first size bytes of the mapped file back to the
// system, which keeps them cached as long as it likes. A transaction must be open.
func Unmap(db *bolt.DB, size int64) { unmap(db.Info().Data, uintptr(size)) }
