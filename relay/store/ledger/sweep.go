package ledger

import (
	"bytes"
	"context"
	"errors"

	bolt "go.etcd.io/bbolt"
)

const (
	// sweepScan bounds the records that one slice of Sweep looks at, sweepBudget what
	// it removes.
	sweepScan   = 1000
	sweepBudget = 500
)

// ErrBudget ends a slice of Sweep that removed as much as it may.
var ErrBudget = errors.New("budget used up")

// Expiry is a table and its rule.
type Expiry struct {
	Table []byte
	// Due tells whether a record of the table b must go.
	Due func(b *bolt.Bucket, k, v []byte) bool
	// Drop removes it, in a transaction of Run that Begin was called for, or as much
	// of it as budget allows; it takes that off budget, and returns ErrBudget if some
	// is left.
	Drop func(k []byte, budget *int) error
}

// sweepPosition is where the next slice goes on.
type sweepPosition struct {
	stage int
	key   []byte
}

// Sweep removes what has expired, one bounded slice at a time, and reports
// whether it came to the end of the ledger. One goroutine calls it, until it is
// done, and again after a while. It also looks whether a full disk has room again.
func (l *Ledger) Sweep(ctx context.Context) (done bool, err error) {
	if l.tight.Load() {
		if err := l.refillReserve(); err != nil {
			return false, err
		}
	}
	if len(l.cfg.Expiries) == 0 {
		return true, nil
	}
	stage := l.cfg.Expiries[l.sweep.stage]
	due, next, err := l.scan(stage)
	if err != nil {
		return false, err
	}
	if len(due) > 0 {
		var left []byte
		err := l.Write(ctx, 0, func(b *Batch) (err error) {
			left, err = b.sweep(stage, due)
			return err
		})
		if err != nil {
			return false, err
		}
		if left != nil {
			next = left
		}
	}
	l.sweep.key = next
	if next == nil {
		l.sweep.stage = (l.sweep.stage + 1) % len(l.cfg.Expiries)
	}
	return next == nil && l.sweep.stage == 0, nil
}

// scan looks at the next records of a stage: which are due, and where to go on.
func (l *Ledger) scan(stage Expiry) (due [][]byte, next []byte, err error) {
	err = l.View(func(tx *bolt.Tx) error {
		b := tx.Bucket(stage.Table)
		c := b.Cursor()
		n := 0
		for k, v := c.Seek(l.sweep.key); k != nil; k, v = c.Next() {
			if n++; n > sweepScan || len(due) >= sweepBudget {
				next = bytes.Clone(k)
				return nil
			}
			if stage.Due(b, k, v) {
				due = append(due, bytes.Clone(k))
			}
		}
		return nil
	})
	return due, next, err
}

// sweep drops the records and returns the first one that is not done.
func (b *Batch) sweep(stage Expiry, due [][]byte) (left []byte, err error) {
	budget := sweepBudget
	table := b.Tx.Bucket(stage.Table)
	for _, k := range due {
		// It may have been replaced since it was looked at.
		if !stage.Due(table, k, table.Get(k)) {
			continue
		}
		err := stage.Drop(k, &budget)
		if errors.Is(err, ErrBudget) {
			return k, nil
		}
		if err != nil {
			return nil, err
		}
	}
	return nil, nil
}
