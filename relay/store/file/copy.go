package file

import (
	"context"
	"errors"

	bolt "go.etcd.io/bbolt"
)

const (
	// copyCommit bounds one transaction of a copy, in bytes.
	copyCommit = 4 << 20
	// FillPercent is how full a page is left that was split. A key of a leaf whose
	// last page was split at 95 % leaves room for little more than an update in
	// place, which is what a growing queue wants.
	FillPercent = 0.95
)

// Copy makes a new file of all that is in src, without its free room, and syncs it.
// progress is told now and then how many bytes are copied.
func Copy(ctx context.Context, src *bolt.DB, fresh string, progress func(bytes int64)) error {
	opts := options(false)
	opts.NoSync, opts.NoGrowSync = true, true // until it is whole
	dst, err := bolt.Open(fresh, 0o600, opts)
	if err != nil {
		return err
	}
	c := &copier{ctx: ctx, db: dst, progress: progress}
	err = src.View(func(tx *bolt.Tx) error {
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
		to.FillPercent = FillPercent
		if err := to.Put(k, v); err != nil {
			return err
		}
		if c.size += len(k) + len(v); c.size < copyCommit {
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
