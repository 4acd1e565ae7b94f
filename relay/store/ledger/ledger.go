package ledger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	bolt "go.etcd.io/bbolt"
	"golang.org/x/sync/semaphore"

	"quicnprotochat/relay/store/file"
)

// Steps at which Config.Fault is called.
const (
	FaultBeforeCommit = "commit.before"
	FaultAfterCommit  = "commit.after"
)

// Config describes a Ledger. Zero fields mean the defaults.
type Config struct {
	// Path of the file; made if it is absent, in a directory that exists. A file
	// of 4 MiB beside it, PATH.reserve, keeps room for removals on a full disk.
	Path string
	// Layout says which tables there are.
	Layout Layout
	// Expiries say what Sweep removes, in their order. Default: nothing.
	Expiries []Expiry
	// MaxBytes bounds all that is stored, with Overhead for each record. The
	// file is larger than that by what its pages leave empty. Default 8 GiB.
	MaxBytes int64
	// MaxPending bounds the bytes of the writes that wait for a commit; each
	// counts as 1 KiB more than its payload, so it bounds their number as well.
	// A write that finds no room for 2 s, or finds as much waiting for room, is
	// refused with ErrBusy. Default 32 MiB.
	MaxPending int64
	// Begin is called at the beginning of each transaction of Run, before its first
	// write, and by the same goroutine.
	Begin func(*Batch)
	// Committed is called when the transaction is on the disk, before those who wrote
	// hear of it. It must not block.
	Committed func()
	// OnCommit is told of each commit of Run, when those who wrote have heard of it.
	// It must not block.
	OnCommit func(Commit)
	// Now is the clock. Default time.Now.
	Now func() time.Time
	// Fault is for tests: it is called at FaultBeforeCommit and at
	// FaultAfterCommit of every transaction of Run. When it returns an error, the
	// ledger fails there, as at a failed sync: what the transaction holds is lost
	// or on the disk, and nobody is told. Default: no faults.
	Fault func(step string) error
	// Log gets what goes wrong with the disk. Default: nothing is logged.
	Log *slog.Logger
}

func (c Config) withDefaults() Config {
	if c.MaxBytes == 0 {
		c.MaxBytes = 8 << 30
	}
	if c.MaxPending == 0 {
		c.MaxPending = 32 << 20
	}
	if c.Begin == nil {
		c.Begin = func(*Batch) {}
	}
	if c.Committed == nil {
		c.Committed = func() {}
	}
	if c.OnCommit == nil {
		c.OnCommit = func(Commit) {}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Fault == nil {
		c.Fault = func(string) error { return nil }
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

// Ledger is one open file. Its methods may be called from any goroutine. Writes
// wait until Run is running.
type Ledger struct {
	cfg     Config
	swap    sync.RWMutex // held while db is read, but by the writer, and by Compact to change it
	db      *bolt.DB
	room    *semaphore.Weighted
	waiting atomic.Int64 // bytes of writes that wait for room
	touched atomic.Int64 // bytes of the mapped file, see Touch
	wake    chan struct{}
	jobs    chan func(context.Context) // for the writer, see alone
	ended   chan struct{}              // closed when Run has returned
	tight   atomic.Bool                // the disk is full, see refillReserve
	failure atomic.Pointer[error]      // set once, when the file can no longer be trusted

	sweep sweepPosition // used by Sweep alone, which one goroutine calls

	// mu guards the fields below.
	mu     sync.Mutex
	queue  []*write
	closed bool
}

// Open opens the file, or makes it, and checks its structure from end to end.
// The errors are ErrInUse, ErrDamaged, ErrNewer, or those of the file system.
func Open(cfg Config) (*Ledger, error) {
	cfg = cfg.withDefaults()
	if err := file.Create(cfg.Path, cfg.Layout.initialize); err != nil {
		return nil, fmt.Errorf("create store: %w", err)
	}
	if err := file.Check(cfg.Path); err != nil {
		return nil, fmt.Errorf("check store: %w", err)
	}
	db, err := file.OpenMapped(cfg.Path, cfg.MaxBytes)
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	l := &Ledger{cfg: cfg, db: db, room: semaphore.NewWeighted(cfg.MaxPending), wake: make(chan struct{}, 1), jobs: make(chan func(context.Context)), ended: make(chan struct{})}
	err = l.View(cfg.Layout.check)
	if err == nil {
		err = l.addLate()
	}
	if err == nil {
		err = file.Remove(compactPath(cfg.Path))
	}
	if err == nil {
		err = l.refillReserve()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open store: %w", err), db.Close())
	}
	l.Touch(mappedMost) // the check has read it all
	return l, nil
}

// Close closes the file. Run must have returned. It is idempotent.
func (l *Ledger) Close() error {
	l.shut()
	return l.db.Close()
}

// View runs fn in a short read transaction. What fn returns must be copied.
func (l *Ledger) View(fn func(*bolt.Tx) error) (err error) {
	if err := l.failed(); err != nil {
		return err
	}
	defer l.rescue(&err)()
	l.swap.RLock()
	defer l.swap.RUnlock()
	return l.db.View(fn)
}

// rescue turns what bbolt does on a page that makes no sense, a panic or a
// fault in the mapped file, into a failed ledger. Call what it returns in a
// defer.
func (l *Ledger) rescue(err *error) func() {
	was := debug.SetPanicOnFault(true)
	return func() {
		debug.SetPanicOnFault(was)
		if r := recover(); r != nil {
			*err = l.fail(fmt.Errorf("%w: %v", ErrDamaged, r))
		}
	}
}

// fail marks the ledger as no longer to be trusted and ends Run. The first cause
// stays.
func (l *Ledger) fail(cause error) error {
	if l.failure.CompareAndSwap(nil, &cause) {
		l.cfg.Log.Error("store failed", "err", cause)
		l.signal()
	}
	return l.failed()
}

func (l *Ledger) failed() error {
	if p := l.failure.Load(); p != nil {
		return *p
	}
	return nil
}

// Health returns nil while the ledger serves.
func (l *Ledger) Health(context.Context) error {
	if err := l.failed(); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return ErrClosed
	}
	return nil
}

// Bytes returns what is stored, as MaxBytes counts it.
func (l *Ledger) Bytes() (n uint64, err error) {
	err = l.View(func(tx *bolt.Tx) error {
		t, err := ReadTotals(tx)
		n = t.Bytes
		return err
	})
	return n, err
}

// Secret returns the secret of that name, made by fresh when there is none yet.
// It is called before Run.
func (l *Ledger) Secret(name string, fresh func() []byte) (secret []byte, err error) {
	key := keySecret(name)
	err = l.View(func(tx *bolt.Tx) error {
		v := tx.Bucket(bucketMeta).Get(key)
		if v == nil {
			return nil
		}
		body, err := Unseal(bucketMeta, key, v)
		secret = slices.Clone(body)
		return err
	})
	if err != nil || secret != nil {
		return secret, err
	}
	secret = fresh()
	err = l.db.Update(func(tx *bolt.Tx) error {
		return tx.Bucket(bucketMeta).Put(key, Seal(bucketMeta, key, slices.Clone(secret)))
	})
	return secret, err
}
