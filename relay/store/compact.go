package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	bolt "go.etcd.io/bbolt"
)

// compactCommit bounds one transaction of the copy, in bytes.
const compactCommit = 4 << 20

// compactPath is the new file while it is made. Whoever holds the store removes
// what a crash left of it.
func compactPath(path string) string { return path + ".compact" }

// CompactFile writes the store at path anew, without the room that is free in it, and
// puts the new file in place of the old one when it is complete and checked. The
// store must not be open. progress, which may be nil, is told now and then how many
// bytes of records are copied. It returns the sizes before and after.
// The errors are that of ctx, ErrInUse, ErrDamaged, ErrNewer, or those of the file
// system; with any of them the old file is as it was.
func CompactFile(ctx context.Context, path string, progress func(bytes int64)) (before, after int64, err error) {
	if progress == nil {
		progress = func(int64) {}
	}
	if err := check(path); err != nil {
		return 0, 0, fmt.Errorf("compact: %w", err)
	}
	src, err := openFile(path, options(false))
	if err != nil {
		return 0, 0, fmt.Errorf("compact: %w", err)
	}
	before, after, err = compact(ctx, src, path, progress)
	if err = errors.Join(err, src.Close()); err != nil {
		return 0, 0, fmt.Errorf("compact: %w", err)
	}
	return before, after, nil
}

func compact(ctx context.Context, src *bolt.DB, path string, progress func(int64)) (before, after int64, err error) {
	before, after, err = rewrite(ctx, src, path, progress)
	if err == nil {
		err = os.Rename(compactPath(path), path)
	}
	if err != nil {
		return 0, 0, errors.Join(err, removeOld(compactPath(path)))
	}
	return before, after, syncDir(filepath.Dir(path))
}

// rewrite makes the new file, and checks it.
func rewrite(ctx context.Context, src *bolt.DB, path string, progress func(int64)) (before, after int64, err error) {
	if before, err = sizeOfFile(path); err != nil {
		return 0, 0, err
	}
	fresh := compactPath(path)
	if err := removeOld(fresh); err != nil {
		return 0, 0, err
	}
	if err := guard(func() error { return copyAll(ctx, src, fresh, progress) }); err != nil {
		return 0, 0, err
	}
	if err := sameRecords(ctx, src, fresh); err != nil {
		return 0, 0, err
	}
	after, err = sizeOfFile(fresh)
	return before, after, err
}

// Compact is CompactFile of a store that is open. Others go on reading; those who
// write wait for the copy, or are refused with ErrBusy when too many do. It waits
// for Snapshot and Verify, and whoever reads then waits too: call one at a time.
func (s *Store) Compact(ctx context.Context) (before, after int64, err error) {
	err = s.alone(ctx, func(ctx context.Context) error {
		before, after, err = s.compact(ctx)
		return err
	})
	if err != nil {
		return 0, 0, fmt.Errorf("compact: %w", err)
	}
	return before, after, nil
}

// compact runs in the writer.
func (s *Store) compact(ctx context.Context) (before, after int64, err error) {
	if err := s.failed(); err != nil {
		return 0, 0, err
	}
	path, fresh := s.cfg.Path, compactPath(s.cfg.Path)
	if before, after, err = rewrite(ctx, s.db, path, func(int64) {}); err != nil {
		return 0, 0, errors.Join(err, removeOld(fresh))
	}
	// It is open, and locked, before it has the name: nobody comes in between.
	db, err := openMapped(s.cfg, fresh)
	if err != nil {
		return 0, 0, errors.Join(err, removeOld(fresh))
	}
	if err := os.Rename(fresh, path); err != nil {
		return 0, 0, errors.Join(err, db.Close(), removeOld(fresh))
	}
	s.swap.Lock()
	old := s.db
	s.db = db
	s.swap.Unlock()
	s.touch(mappedMost) // the check has read it all
	if err := old.Close(); err != nil {
		s.cfg.Log.Warn("close the old file", "err", err)
	}
	if err := syncDir(filepath.Dir(path)); err != nil {
		// After a crash the name may lead to the old file, which gets no more.
		return 0, 0, s.fail(err)
	}
	return before, after, nil
}

// copyAll makes a new file of all that is in src, and syncs it.
func copyAll(ctx context.Context, src *bolt.DB, fresh string, progress func(int64)) error {
	opts := options(false)
	opts.NoSync, opts.NoGrowSync = true, true // until it is whole
	dst, err := bolt.Open(fresh, 0o600, opts)
	if err != nil {
		return err
	}
	c := &copier{ctx: ctx, db: dst, progress: progress}
	err = src.View(func(tx *bolt.Tx) error {
		if err := checkFormat(tx); err != nil {
			return err
		}
		return tx.ForEach(func(name []byte, b *bolt.Bucket) error { return c.bucket([][]byte{name}, b) })
	})
	if err == nil {
		err = c.commit()
	}
	if c.tx != nil {
		_ = c.tx.Rollback() // of what failed
	}
	if err == nil {
		err = dst.Sync()
	}
	return errors.Join(err, dst.Close())
}

// copier writes into a new file.
type copier struct {
	ctx      context.Context
	db       *bolt.DB
	progress func(int64)
	tx       *bolt.Tx // nil between two transactions
	size     int      // bytes in it
	copied   int64
}

// bucket copies a bucket and all in it; path is its name, from the root on.
func (c *copier) bucket(path [][]byte, b *bolt.Bucket) error {
	to, err := c.open(path)
	if err != nil {
		return err
	}
	if err := to.SetSequence(b.Sequence()); err != nil {
		return err
	}
	return b.ForEach(func(k, v []byte) error {
		if v == nil {
			return c.bucket(append(path[:len(path):len(path)], k), b.Bucket(k))
		}
		to, err := c.open(path) // a commit may have been in between
		if err != nil {
			return err
		}
		to.FillPercent = fillPercent
		if err := to.Put(k, v); err != nil {
			return err
		}
		if c.size += len(k) + len(v); c.size < compactCommit {
			return nil
		}
		return c.commit()
	})
}

// open returns a bucket in the present transaction.
func (c *copier) open(path [][]byte) (b *bolt.Bucket, err error) {
	if c.tx == nil {
		if c.tx, err = c.db.Begin(true); err != nil {
			return nil, err
		}
	}
	if b, err = c.tx.CreateBucketIfNotExists(path[0]); err != nil {
		return nil, err
	}
	for _, name := range path[1:] {
		if b, err = b.CreateBucketIfNotExists(name); err != nil {
			return nil, err
		}
	}
	return b, nil
}

func (c *copier) commit() error {
	if c.tx == nil {
		return nil
	}
	if err := errors.Join(c.ctx.Err(), c.tx.Commit()); err != nil {
		return err
	}
	c.copied += int64(c.size)
	c.tx, c.size = nil, 0
	c.progress(c.copied)
	return nil
}

// sameRecords checks the new file: its structure, and that it has as much as src.
func sameRecords(ctx context.Context, src *bolt.DB, fresh string) error {
	want, err := verify(ctx, func(fn func(*bolt.Tx) error) error { return guard(func() error { return src.View(fn) }) })
	if err != nil {
		return err
	}
	got, err := VerifyFile(ctx, fresh)
	if err != nil {
		return err
	}
	if got.Records != want.Records || got.Bytes != want.Bytes || got.Damaged != want.Damaged {
		return fmt.Errorf("%w: the new file has %d records of %d", ErrDamaged, got.Records, want.Records)
	}
	return nil
}

func sizeOfFile(path string) (int64, error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// removeOld removes a file that may be absent.
func removeOld(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// openFile opens and locks the file at path. Compact may have put another one
// there between the opening and the lock; then that one is opened.
func openFile(path string, opts *bolt.Options) (*bolt.DB, error) {
	for {
		var opened *os.File
		opts.OpenFile = func(name string, flag int, mode os.FileMode) (*os.File, error) {
			f, err := os.OpenFile(name, flag, mode)
			opened = f
			return f, err
		}
		db, err := bolt.Open(path, 0o600, opts)
		if err != nil {
			return nil, openError(err)
		}
		ours, err := opened.Stat()
		if err != nil {
			return nil, errors.Join(err, db.Close())
		}
		there, err := os.Stat(path)
		if err != nil {
			return nil, errors.Join(err, db.Close())
		}
		if os.SameFile(ours, there) {
			return db, nil
		}
		if err := db.Close(); err != nil {
			return nil, err
		}
	}
}
