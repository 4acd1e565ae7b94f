package ledger

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"quicnprotochat/relay/store/file"

	bolt "go.etcd.io/bbolt"
)

// compactPath is the new file while it is made. Whoever holds the ledger removes
// what a crash left of it.
func compactPath(path string) string { return path + ".compact" }

// CompactFile writes the ledger at path anew, without the room that is free in it, and
// puts the new file in place of the old one when it is complete and checked. The
// ledger must not be open. progress, which may be nil, is told now and then how many
// bytes of records are copied. It returns the sizes before and after.
// The errors are that of ctx, ErrInUse, ErrDamaged, ErrNewer, or those of the file
// system; with any of them the old file is as it was.
func CompactFile(ctx context.Context, path string, layout Layout, progress func(bytes int64)) (before, after int64, err error) {
	if progress == nil {
		progress = func(int64) {}
	}
	if err := file.Check(path); err != nil {
		return 0, 0, fmt.Errorf("compact: %w", err)
	}
	src, err := file.Open(path)
	if err != nil {
		return 0, 0, fmt.Errorf("compact: %w", err)
	}
	before, after, err = layout.compact(ctx, src, path, progress)
	if err = errors.Join(err, src.Close()); err != nil {
		return 0, 0, fmt.Errorf("compact: %w", err)
	}
	return before, after, nil
}

func (y *Layout) compact(ctx context.Context, src *bolt.DB, path string, progress func(int64)) (before, after int64, err error) {
	before, after, err = y.rewrite(ctx, src, path, progress)
	if err == nil {
		err = os.Rename(compactPath(path), path)
	}
	if err != nil {
		return 0, 0, errors.Join(err, file.Remove(compactPath(path)))
	}
	return before, after, file.SyncDir(filepath.Dir(path))
}

// rewrite makes the new file, and checks it.
func (y *Layout) rewrite(ctx context.Context, src *bolt.DB, path string, progress func(int64)) (before, after int64, err error) {
	if before, err = file.Size(path); err != nil {
		return 0, 0, err
	}
	fresh := compactPath(path)
	if err := file.Remove(fresh); err != nil {
		return 0, 0, err
	}
	err = file.Guard(func() error {
		if err := src.View(y.check); err != nil {
			return err
		}
		return file.Copy(ctx, src, fresh, progress)
	})
	if err != nil {
		return 0, 0, err
	}
	if err := y.sameRecords(ctx, src, fresh); err != nil {
		return 0, 0, err
	}
	after, err = file.Size(fresh)
	return before, after, err
}

// Compact is CompactFile of a ledger that is open. Others go on reading; those who
// write wait for the copy, or are refused with ErrBusy when too many do. It waits
// for Snapshot and Verify, and whoever reads then waits too: call one at a time.
func (l *Ledger) Compact(ctx context.Context) (before, after int64, err error) {
	err = l.alone(ctx, func(ctx context.Context) error {
		before, after, err = l.compact(ctx)
		return err
	})
	if err != nil {
		return 0, 0, fmt.Errorf("compact: %w", err)
	}
	return before, after, nil
}

// compact runs in the writer.
func (l *Ledger) compact(ctx context.Context) (before, after int64, err error) {
	if err := l.failed(); err != nil {
		return 0, 0, err
	}
	path, fresh := l.cfg.Path, compactPath(l.cfg.Path)
	if before, after, err = l.cfg.Layout.rewrite(ctx, l.db, path, func(int64) {}); err != nil {
		return 0, 0, errors.Join(err, file.Remove(fresh))
	}
	// It is open, and locked, before it has the name: nobody comes in between.
	db, err := file.OpenMapped(fresh, l.cfg.MaxBytes)
	if err != nil {
		return 0, 0, errors.Join(err, file.Remove(fresh))
	}
	if err := os.Rename(fresh, path); err != nil {
		return 0, 0, errors.Join(err, db.Close(), file.Remove(fresh))
	}
	l.swap.Lock()
	old := l.db
	l.db = db
	l.swap.Unlock()
	l.Touch(mappedMost) // the check has read it all
	if err := old.Close(); err != nil {
		l.cfg.Log.Warn("close the old file", "err", err)
	}
	if err := file.SyncDir(filepath.Dir(path)); err != nil {
		// After a crash the name may lead to the old file, which gets no more.
		return 0, 0, l.fail(err)
	}
	return before, after, nil
}

// sameRecords checks the new file: its structure, and that it has as much as src.
func (y *Layout) sameRecords(ctx context.Context, src *bolt.DB, fresh string) error {
	want, err := y.verify(ctx, func(fn func(*bolt.Tx) error) error { return file.Guard(func() error { return src.View(fn) }) })
	if err != nil {
		return err
	}
	got, err := VerifyFile(ctx, fresh, *y)
	if err != nil {
		return err
	}
	if got.Records != want.Records || got.Bytes != want.Bytes || got.Damaged != want.Damaged {
		return fmt.Errorf("%w: the new file has %d records of %d", ErrDamaged, got.Records, want.Records)
	}
	return nil
}
