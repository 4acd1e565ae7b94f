package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync/atomic"
	"time"

	bolt "go.etcd.io/bbolt"

	"quicnprotochat/rpc"
	"quicnprotochat/rpc/order"
)

const (
	// maxCommitBytes and maxCommitWrites bound what one transaction takes up; a
	// single write may not be larger than the first.
	maxCommitBytes  = 16 << 20
	maxCommitWrites = 4096
	// gatherBytes bounds what is put into one transaction with others. Its pages
	// are in memory until it is on the disk, with the large payloads beside the
	// new ones; above this size one sync more does not count.
	gatherBytes = 4 << 20
	// writeOverhead is what a waiting write costs beside its payload.
	writeOverhead = 1 << 10
	// roomPatience is how long a write waits for room in the queue.
	roomPatience = 2 * time.Second
)

// write is one call that waits for the writer.
type write struct {
	// apply runs in the writer's transaction. It either refuses, with an error
	// and before it changed anything, or does all of its work; an error in
	// between is wrapped by abort.
	apply func(*batch) error
	size  int64
	done  chan error // gets one value, after the commit
	// taken is set by whoever comes first: the writer, or the caller that gives
	// up. So a caller never returns while its payload is in use.
	taken atomic.Bool
}

// batch is one transaction of the writer.
type batch struct {
	tx       *bolt.Tx
	cfg      *Config
	tight    bool // the disk is full: nothing may grow
	now      int64
	totals   totals
	before   totals
	appended map[Inbox]uint64 // and how many payloads it has then
	bans     map[rpc.Identity]bool
}

// errDiskFull is ErrBusy for want of disk space.
var errDiskFull = fmt.Errorf("%w: disk full", ErrBusy)

// abortError means that a write failed half way: the whole transaction goes.
type abortError struct{ error }

func abort(err error) error {
	if err == nil {
		return nil
	}
	return abortError{err}
}

// submit hands a write to the writer and waits until it is on the disk. When ctx
// ends before the writer came to it, it does not happen.
func (s *Store) submit(ctx context.Context, size int, apply func(*batch) error) error {
	if int64(size) > maxCommitBytes {
		return ErrTooLarge
	}
	w := &write{apply: apply, size: min(int64(size)+writeOverhead, s.cfg.MaxPending), done: make(chan error, 1)}
	if err := s.reserve(ctx, w.size); err != nil {
		return err
	}
	if err := s.enqueue(w); err != nil {
		s.room.Release(w.size)
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
func (s *Store) reserve(ctx context.Context, size int64) error {
	if s.room.TryAcquire(size) {
		return nil
	}
	defer s.waiting.Add(-size)
	if s.waiting.Add(size) > s.cfg.MaxPending {
		return ErrBusy
	}
	wait, cancel := context.WithTimeout(ctx, roomPatience)
	defer cancel()
	if err := s.room.Acquire(wait, size); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return ErrBusy
	}
	return nil
}

func (s *Store) enqueue(w *write) error {
	if err := s.failed(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	s.queue = append(s.queue, w)
	s.signal()
	return nil
}

func (s *Store) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Run is the writer: it commits what has gathered, with one sync, until ctx
// ends; then it commits what is still there and takes no more. It returns an
// error when the file can no longer be trusted: a failed sync leaves open what
// is on the disk, so the caller must close and open again.
func (s *Store) Run(ctx context.Context) error {
	defer s.shut()
	defer close(s.ended)
	for {
		select {
		case <-s.wake:
		case job := <-s.jobs:
			job(ctx)
		case <-ctx.Done():
			s.refuseNew()
		}
		for {
			select {
			case job := <-s.jobs:
				job(ctx)
			default:
			}
			group := s.gather()
			if len(group) == 0 {
				break
			}
			s.commit(s.take(group))
		}
		if err := s.failed(); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return nil
		}
	}
}

// alone runs do between two commits, while nobody writes. Its context ends with that
// of Run too.
func (s *Store) alone(ctx context.Context, do func(context.Context) error) error {
	done := make(chan error, 1)
	job := func(run context.Context) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(run, cancel)()
		done <- do(ctx)
	}
	select {
	case s.jobs <- job:
		return <-done
	case <-ctx.Done():
		return ctx.Err()
	case <-s.ended:
		return ErrClosed
	}
}

// gather takes the oldest writes, as many as fit in one commit, at least one.
func (s *Store) gather() []*write {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, bytes := 0, int64(0)
	for n < len(s.queue) && n < maxCommitWrites && (n == 0 || bytes+s.queue[n].size <= gatherBytes) {
		bytes += s.queue[n].size
		n++
	}
	group := slices.Clone(s.queue[:n])
	s.queue = slices.Delete(s.queue, 0, n)
	return group
}

// take leaves out the writes whose callers gave up.
func (s *Store) take(group []*write) []*write {
	return slices.DeleteFunc(group, func(w *write) bool {
		gone := !w.taken.CompareAndSwap(false, true)
		if gone {
			s.room.Release(w.size)
		}
		return gone
	})
}

func (s *Store) refuseNew() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
}

// shut refuses all writes, those that wait and those to come.
func (s *Store) shut() {
	s.refuseNew()
	for group := s.gather(); len(group) > 0; group = s.gather() {
		for _, w := range s.take(group) {
			s.finish(w, ErrClosed)
		}
	}
}

func (s *Store) finish(w *write, err error) {
	s.room.Release(w.size)
	w.done <- err
}

// commit applies the group in one transaction and tells each its own result.
func (s *Store) commit(group []*write) {
	if len(group) == 0 {
		return
	}
	results := make([]error, len(group))
	began := time.Now()
	appended, err := s.transact(group, results)
	if errors.Is(err, errDiskFull) && s.spendReserve() {
		// Now without those that need room.
		appended, err = s.transact(group, results)
	}
	done := Commit{Took: time.Since(began), Writes: len(group)}
	for i, w := range group {
		if err != nil {
			results[i] = err
		}
		s.finish(w, results[i])
	}
	done.Waiting = s.queued()
	for inbox, depth := range appended {
		s.cfg.OnAppend(inbox)
		done.Depths = append(done.Depths, int(depth))
	}
	s.cfg.OnCommit(done)
}

func (s *Store) queued() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.queue)
}

func (s *Store) transact(group []*write, results []error) (appended map[Inbox]uint64, err error) {
	if err := s.failed(); err != nil {
		return nil, err
	}
	defer s.rescue(&err)()
	tx, err := s.db.Begin(true)
	if err != nil {
		return nil, s.fail(fmt.Errorf("begin: %w", err))
	}
	// Not Update: after a panic its rollback would walk the damaged file.
	defer func() { _ = tx.Rollback() }()
	b := &batch{tx: tx, cfg: &s.cfg, tight: s.tight.Load(), now: s.cfg.Now().UnixMilli(), appended: make(map[Inbox]uint64), bans: make(map[rpc.Identity]bool)}
	if b.totals, err = readTotals(tx); err != nil {
		return nil, s.fail(err)
	}
	b.before = b.totals
	for i, w := range group {
		results[i] = w.apply(b)
		var aborted abortError
		if errors.As(results[i], &aborted) {
			return nil, fmt.Errorf("write: %w", aborted.error)
		}
	}
	if b.totals == b.before && !slices.Contains(results, nil) {
		return nil, nil // all were refused: a flood of those costs the disk nothing
	}
	if err := b.finish(); err != nil {
		return nil, err
	}
	if err := s.commitTx(tx); err != nil {
		return nil, s.commitError(err)
	}
	s.bans.change(b.bans)
	for id, banned := range b.bans {
		if banned {
			s.cfg.OnBan(id)
		}
	}
	rewritten := tx.Stats()
	s.touch(rewritten.GetPageAlloc())
	return b.appended, nil
}

// commitTx commits with Config.Fault on both sides.
func (s *Store) commitTx(tx *bolt.Tx) error {
	if err := s.cfg.Fault(FaultBeforeCommit); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	return s.cfg.Fault(FaultAfterCommit)
}

// commitError decides what a failed commit means. A page that could not be
// written (the disk is full) is rolled back and forgotten; a failed sync may
// have thrown away what the next commit builds on.
func (s *Store) commitError(err error) error {
	var path *fs.PathError
	if diskFull(err) && errors.As(err, &path) {
		return errDiskFull
	}
	return s.fail(fmt.Errorf("commit: %w", err))
}

func (b *batch) finish() error {
	if b.totals == b.before {
		return nil
	}
	return b.tx.Bucket(bucketMeta).Put(keyTotals, seal(bucketMeta, keyTotals, b.totals.bytesOf()))
}

// room reports whether n more bytes may be stored.
func (b *batch) room(n uint64) bool {
	return !b.tight && b.totals.bytes+n <= uint64(b.cfg.MaxBytes)
}

// shrink never goes below zero: a total that is off must not block the relay.
func (b *batch) shrink(n uint64) { b.totals.bytes -= min(n, b.totals.bytes) }

func readTotals(tx *bolt.Tx) (totals, error) {
	body, err := open(bucketMeta, keyTotals, tx.Bucket(bucketMeta).Get(keyTotals))
	if err != nil {
		return totals{}, fmt.Errorf("totals: %w", err)
	}
	return parseTotals(body)
}
