package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"quicnprotochat/relay/store/file"

	bolt "go.etcd.io/bbolt"
)

// Commit is one transaction of the writer that was tried.
type Commit struct {
	// Took is the time for it, with its sync.
	Took time.Duration
	// Writes is how many calls it was for, Waiting how many wait behind it.
	Writes, Waiting int
	// Depths are the payloads in each inbox that got one.
	Depths []int
}

// Info is how large a store is.
type Info struct {
	// Bytes is what is stored, as MaxBytes counts it; FileBytes is the size of the
	// file.
	Bytes     uint64
	FileBytes int64
	// MaxBytes is the bound of Bytes; 0 of a store that is not open.
	MaxBytes int64
}

// Stat returns the size of an open store.
func (s *Store) Stat(ctx context.Context) (Info, error) {
	if err := s.Health(ctx); err != nil {
		return Info{}, err
	}
	info := Info{MaxBytes: s.cfg.MaxBytes}
	var err error
	if info.Bytes, err = s.Bytes(); err != nil {
		return Info{}, err
	}
	info.FileBytes, err = file.Size(s.cfg.Path)
	return info, err
}

// StatFile returns the size of a store that nobody has open. It follows no page
// that it did not check. The errors are ErrInUse, ErrDamaged, ErrNewer, or those
// of the file system.
func StatFile(path string) (info Info, err error) {
	if err := file.Check(path); err != nil {
		return Info{}, fmt.Errorf("look at store: %w", err)
	}
	db, err := file.OpenReadOnly(path)
	if err != nil {
		return Info{}, fmt.Errorf("look at store: %w", err)
	}
	err = file.Guard(func() error {
		return db.View(func(tx *bolt.Tx) error {
			if err := checkFormat(tx); err != nil {
				return err
			}
			t, err := readTotals(tx)
			info.Bytes = t.bytes
			return err
		})
	})
	if err == nil {
		info.FileBytes, err = file.Size(path)
	}
	if err = errors.Join(err, db.Close()); err != nil {
		return Info{}, fmt.Errorf("look at store: %w", err)
	}
	return info, nil
}
