package store

import (
	"errors"
	"runtime"
	"strconv"
	"time"

	bolt "go.etcd.io/bbolt"
)

// mappedMost is how many bytes of the mapped file are used before they are
// given back to the system. It keeps them cached as long as it likes, but they
// no longer count as memory of this process, which could reach the size of the
// file.
const mappedMost = 16 << 20

// growStep is by how much the file grows, in bytes.
const growStep = 1 << 20

// openMapped opens the file at path with more address space mapped than it will need:
// bbolt can map more only while nobody reads, so with a reader that takes its
// time (Snapshot) the writer would wait for it.
func openMapped(cfg Config, path string) (*bolt.DB, error) {
	opts := options(false)
	// A moment ago check had the file, so nobody else has. Its lock can live on in a
	// child of this process that is being started and has not yet let go of files.
	opts.Timeout = 2 * time.Second
	if strconv.IntSize == 64 && runtime.GOOS != "windows" { // there the file would get that size
		opts.InitialMmapSize = int(min(4*min(cfg.MaxBytes, 1<<40)+1<<30, 1<<42))
	}
	db, err := openFile(path, opts)
	if err != nil && opts.InitialMmapSize > 0 && !errors.Is(err, ErrInUse) && !errors.Is(err, ErrDamaged) {
		opts.InitialMmapSize = 0 // the system gives less
		db, err = openFile(path, opts)
	}
	if err != nil {
		return nil, err
	}
	db.AllocSize = growStep
	return db, nil
}

// touch counts bytes of the mapped file that were read.
func (s *Store) touch(n int64) {
	if s.touched.Add(n) < mappedMost {
		return
	}
	s.touched.Store(0)
	// The mapping stays where it is for as long as a transaction reads.
	_ = s.view(func(tx *bolt.Tx) error {
		unmap(s.db.Info().Data, uintptr(tx.Size()))
		return nil
	})
}
