package ledger

import (
	"context"
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
	// Err is why it is not on the disk, and all of them failed with it.
	Err error
}

// Info is how large a ledger is.
type Info struct {
	// Bytes is what is stored, as MaxBytes counts it; FileBytes is the size of the
	// file.
	Bytes     uint64
	FileBytes int64
	// MaxBytes is the bound of Bytes; 0 of a ledger that is not open.
	MaxBytes int64
}

// Stat returns the size of an open ledger.
func (l *Ledger) Stat(ctx context.Context) (Info, error) {
	if err := l.Health(ctx); err != nil {
		return Info{}, err
	}
	info := Info{MaxBytes: l.cfg.MaxBytes}
	var err error
	if info.Bytes, err = l.Bytes(); err != nil {
		return Info{}, err
	}
	info.FileBytes, err = file.Size(l.cfg.Path)
	return info, err
}

// StatFile returns the size of a ledger that nobody has open. It follows no page
// that it did not check. The errors are ErrInUse, ErrDamaged, ErrNewer, or those
// of the file system.
func StatFile(path string, layout Layout) (info Info, err error) {
	err = viewFile(path, func(tx *bolt.Tx) error {
		if err := layout.check(tx); err != nil {
			return err
		}
		t, err := ReadTotals(tx)
		info.Bytes = t.Bytes
		return err
	})
	if err == nil {
		info.FileBytes, err = file.Size(path)
	}
	if err != nil {
		return Info{}, fmt.Errorf("look at store: %w", err)
	}
	return info, nil
}
