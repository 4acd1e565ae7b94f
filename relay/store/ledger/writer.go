package ledger

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync/atomic"
	"time"

	bolt "go.etcd.io/bbolt"

	"quicnprotochat/rpc/order"
)

const (
	// MaxCommitBytes and MaxCommitWrites bound what one transaction takes up; a
	// single write may not be larger than the first.
	MaxCommitBytes  = 16 << 20
	MaxCommitWrites = 4096
	// gatherBytes bounds what is put into one transaction with others. Its pages
	// are in memory until it is on the disk, with the large payloads beside the
	// new ones; above this size one sync more does not count.
	gatherBytes = 4 << 20
	// WriteOverhead is what a waiting write costs beside its payload.
	WriteOverhead = 1 << 10
	// roomPatience is how long a write waits for room in the queue.
	roomPatience = 2 * time.Second
)

// write is one call that waits for the writer.
type write struct {
	// apply runs in the writer's transaction. It either refuses, with an error
	// and before it changed anything, or does all of its work; an error in
	// between is wrapped by Abort.
	apply func(*Batch) error
	size  int64
	done  chan error // gets one value, after the commit
	// taken is set by whoever comes first: the writer, or the caller that gives
	// up. So a caller never returns while its payload is in use.
	taken atomic.Bool
}

// errDiskFull is ErrBusy for want of disk space.
var errDiskFull = fmt.Errorf("%w: disk full", ErrBusy)

// Write hands a write of size bytes to the writer and waits until it is on the disk. When ctx
// ends before the writer came to it, it does not happen.
func (l *Ledger) Write(ctx context.Context, size int, apply func(*Batch) error) error {
	if int64(size) > MaxCommitBytes {
		return ErrTooLarge
	}
	w := &write{apply: apply, size: min(int64(size)+WriteOverhead, l.cfg.MaxPending), done: make(chan error, 1)}
	if err := l.reserve(ctx, w.size); err != nil {
		return err
	}
	if err := l.enqueue(w); err != nil {
		l.room.Release(w.size)
		return err
	}
	order.Placed(ctx) // the queue decides the order
	select {
	case err := <-w.done:
		return err
	case <-ctx.Done():
		if w.taken.CompareAndSwap(false, true) {
			return ctx.Err()
		}
		return <-w.done
	}
}

// reserve waits for room in the queue. Those who wait have payloads in memory as
// well, so they are bounded too.
func (l *Ledger) reserve(ctx context.Context, size int64) error {
	if l.room.TryAcquire(size) {
		return nil
	}
	defer l.waiting.Add(-size)
	if l.waiting.Add(size) > l.cfg.MaxPending {
		return ErrBusy
	}
	wait, cancel := context.WithTimeout(ctx, roomPatience)
	defer cancel()
	if err := l.room.Acquire(wait, size); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return ErrBusy
	}
	return nil
}

func (l *Ledger) enqueue(w *write) error {
	if err := l.failed(); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return ErrClosed
	}
	l.queue = append(l.queue, w)
	l.signal()
	return nil
}

func (l *Ledger) signal() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// Run is the writer: it commits what has gathered, with one sync, until ctx
// ends; then it commits what is still there and takes no more. It returns an
// error when the file can no longer be trusted: a failed sync leaves open what
// is on the disk, so the caller must close and open again.
func (l *Ledger) Run(ctx context.Context) error {
	defer l.shut()
	defer close(l.ended)
	for {
		select {
		case <-l.wake:
		case job := <-l.jobs:
			job(ctx)
		case <-ctx.Done():
			l.refuseNew()
		}
		for {
			select {
			case job := <-l.jobs:
				job(ctx)
			default:
			}
			group := l.gather()
			if len(group) == 0 {
				break
			}
			l.commit(l.take(group))
		}
		if err := l.failed(); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return nil
		}
	}
}

// alone runs do between two commits, while nobody writes. Its context ends with that
// of Run too.
func (l *Ledger) alone(ctx context.Context, do func(context.Context) error) error {
	done := make(chan error, 1)
	job := func(run context.Context) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(run, cancel)()
		done <- do(ctx)
	}
	select {
	case l.jobs <- job:
		return <-done
	case <-ctx.Done():
		return ctx.Err()
	case <-l.ended:
		return ErrClosed
	}
}

// gather takes the oldest writes, as many as fit in one commit, at least one.
func (l *Ledger) gather() []*write {
	l.mu.Lock()
	defer l.mu.Unlock()
	n, bytes := 0, int64(0)
	for n < len(l.queue) && n < MaxCommitWrites && (n == 0 || bytes+l.queue[n].size <= gatherBytes) {
		bytes += l.queue[n].size
		n++
	}
	group := slices.Clone(l.queue[:n])
	l.queue = slices.Delete(l.queue, 0, n)
	return group
}

// take leaves out the writes whose callers gave up.
func (l *Ledger) take(group []*write) []*write {
	return slices.DeleteFunc(group, func(w *write) bool {
		gone := !w.taken.CompareAndSwap(false, true)
		if gone {
			l.room.Release(w.size)
		}
		return gone
	})
}

func (l *Ledger) refuseNew() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
}

// shut refuses all writes, those that wait and those to come.
func (l *Ledger) shut() {
	l.refuseNew()
	for group := l.gather(); len(group) > 0; group = l.gather() {
		for _, w := range l.take(group) {
			l.finish(w, ErrClosed)
		}
	}
}

func (l *Ledger) finish(w *write, err error) {
	l.room.Release(w.size)
	w.done <- err
}

// commit applies the group in one transaction and tells each its own result.
func (l *Ledger) commit(group []*write) {
	if len(group) == 0 {
		return
	}
	results := make([]error, len(group))
	began := time.Now()
	err := l.transact(group, results)
	if errors.Is(err, errDiskFull) && l.spendReserve() {
		// Now without those that need room.
		err = l.transact(group, results)
	}
	done := Commit{Took: time.Since(began), Writes: len(group), Err: err}
	for i, w := range group {
		if err != nil {
			results[i] = err
		}
		l.finish(w, results[i])
	}
	done.Waiting = l.queued()
	l.cfg.OnCommit(done)
}

func (l *Ledger) queued() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.queue)
}

func (l *Ledger) transact(group []*write, results []error) (err error) {
	if err := l.failed(); err != nil {
		return err
	}
	defer l.rescue(&err)()
	tx, err := l.db.Begin(true)
	if err != nil {
		return l.fail(fmt.Errorf("begin: %w", err))
	}
	// Not Update: after a panic its rollback would walk the damaged file.
	defer func() { _ = tx.Rollback() }()
	b := &Batch{Tx: tx, Now: l.cfg.Now().UnixMilli(), maxBytes: l.cfg.MaxBytes, tight: l.tight.Load()}
	if b.Totals, err = ReadTotals(tx); err != nil {
		return l.fail(err)
	}
	b.before = b.Totals
	l.cfg.Begin(b)
	for i, w := range group {
		results[i] = w.apply(b)
		var aborted abortError
		if errors.As(results[i], &aborted) {
			return fmt.Errorf("write: %w", aborted.error)
		}
	}
	if b.Totals == b.before && !slices.Contains(results, nil) {
		return nil // all were refused: a flood of those costs the disk nothing
	}
	if err := b.finish(); err != nil {
		return err
	}
	if err := l.commitTx(tx); err != nil {
		return l.commitError(err)
	}
	l.cfg.Committed()
	rewritten := tx.Stats()
	l.Touch(rewritten.GetPageAlloc())
	return nil
}

// commitTx commits with Config.Fault on both sides.
func (l *Ledger) commitTx(tx *bolt.Tx) error {
	if err := l.cfg.Fault(FaultBeforeCommit); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	return l.cfg.Fault(FaultAfterCommit)
}

// commitError decides what a failed commit means. A page that could not be
// written (the disk is full) is rolled back and forgotten; a failed sync may
// have thrown away what the next commit builds on.
func (l *Ledger) commitError(err error) error {
	var path *fs.PathError
	if diskFull(err) && errors.As(err, &path) {
		return errDiskFull
	}
	return l.fail(fmt.Errorf("commit: %w", err))
}
