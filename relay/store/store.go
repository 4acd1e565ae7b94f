package store

import (
	"context"
	"crypto/rand"
	"encoding/binary"
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
	"quicnprotochat/rpc"
)

// Steps at which Config.Fault is called.
const (
	FaultBeforeCommit = "commit.before"
	FaultAfterCommit  = "commit.after"
)

// Config describes a Store. Zero fields mean the defaults.
type Config struct {
	// Path of the file; made if it is absent, in a directory that exists. A file
	// of 4 MiB beside it, PATH.reserve, keeps room for removals on a full disk.
	Path string
	// MaxDepth bounds the payloads of one inbox. Default 1000.
	MaxDepth int
	// MaxInboxBytes bounds the bytes of one inbox. Default 64 MiB.
	MaxInboxBytes int64
	// MaxShare and MaxShareBytes bound what one depositor has in one inbox, so
	// that nobody fills it alone; one payload is always taken. Default: a quarter
	// of MaxDepth and of MaxInboxBytes.
	MaxShare      int
	MaxShareBytes int64
	// MaxInboxes bounds the inboxes of one owner. Default 1000.
	MaxInboxes int
	// MaxBytes bounds all that is stored, with 128 bytes for each record. The
	// file is larger than that by what its pages leave empty. Default 8 GiB.
	MaxBytes int64
	// Retention is how long a payload is kept. Default 7 days.
	Retention time.Duration
	// Forget is how long an empty, unused inbox keeps a place of its own, and
	// a hybrid key that nobody replaced and a generation that nobody told again
	// are kept. Default 60 days.
	Forget time.Duration
	// MaxKeyPackages bounds the single-use key packages of one owner. Default 50.
	MaxKeyPackages int
	// MaxKeyPackageBytes bounds their bytes; the newest one is always kept.
	// Default 4 MiB.
	MaxKeyPackageBytes int64
	// MaxHandouts bounds the single-use key packages of one owner that are handed
	// out within HandoutWindow; a restart does not forget. Default 30 an hour.
	MaxHandouts   int
	HandoutWindow time.Duration
	// MaxPending bounds the bytes of the writes that wait for a commit; each
	// counts as 1 KiB more than its payload, so it bounds their number as well.
	// A write that finds no room for 2 s, or finds as much waiting for room, is
	// refused with ErrBusy. Default 32 MiB.
	MaxPending int64
	// OnAppend is called after the commit of an append, once for each inbox that
	// got something. It must not block.
	OnAppend func(Inbox)
	// OnBan is called after the commit of a ban, with the identity that is out. It
	// must not block. Default: nobody is told.
	OnBan func(rpc.Identity)
	// OnCommit is told of each commit of Run. It must not block.
	OnCommit func(Commit)
	// Now is the clock. Default time.Now.
	Now func() time.Time
	// Fault is for tests: it is called at FaultBeforeCommit and at
	// FaultAfterCommit of every transaction of Run. When it returns an error, the
	// store fails there, as at a failed sync: what the transaction holds is lost
	// or on the disk, and nobody is told. Default: no faults.
	Fault func(step string) error
	// Log gets what goes wrong with the disk. Default: nothing is logged.
	Log *slog.Logger
}

func (c Config) withDefaults() Config {
	setDefault(&c.MaxDepth, 1000)
	setDefault(&c.MaxInboxBytes, 64<<20)
	setDefault(&c.MaxShare, max(1, c.MaxDepth/4))
	setDefault(&c.MaxShareBytes, c.MaxInboxBytes/4)
	setDefault(&c.MaxInboxes, 1000)
	setDefault(&c.MaxBytes, 8<<30)
	setDefault(&c.Retention, 7*24*time.Hour)
	setDefault(&c.Forget, 60*24*time.Hour)
	setDefault(&c.MaxKeyPackages, 50)
	setDefault(&c.MaxKeyPackageBytes, 4<<20)
	setDefault(&c.MaxHandouts, 30)
	setDefault(&c.HandoutWindow, time.Hour)
	setDefault(&c.MaxPending, 32<<20)
	if c.OnAppend == nil {
		c.OnAppend = func(Inbox) {}
	}
	if c.OnBan == nil {
		c.OnBan = func(rpc.Identity) {}
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

func setDefault[T int | int64 | time.Duration](v *T, def T) {
	if *v == 0 {
		*v = def
	}
}

// Store is one open file. Its methods may be called from any goroutine. Writes
// wait until Run is running.
type Store struct {
	cfg     Config
	swap    sync.RWMutex // held while db is read, but by the writer, and by Compact to change it
	db      *bolt.DB
	room    *semaphore.Weighted
	waiting atomic.Int64 // bytes of writes that wait for room
	touched atomic.Int64 // bytes of the mapped file, see touch
	salt    [32]byte     // of the tags of depositors
	wake    chan struct{}
	jobs    chan func(context.Context) // for the writer, see alone
	ended   chan struct{}              // closed when Run has returned
	tight   atomic.Bool                // the disk is full, see refillReserve
	failure atomic.Pointer[error]      // set once, when the file can no longer be trusted

	// mu guards the fields below.
	mu     sync.Mutex
	queue  []*write
	closed bool

	bans  bans
	sweep sweepPosition // used by Sweep alone, which one goroutine calls
}

// Open opens the file, or makes it, and checks its structure from end to end.
// The errors are ErrInUse, ErrDamaged, ErrNewer, or those of the file system.
func Open(cfg Config) (*Store, error) {
	cfg = cfg.withDefaults()
	if err := file.Create(cfg.Path, initialize); err != nil {
		return nil, fmt.Errorf("create store: %w", err)
	}
	if err := file.Check(cfg.Path); err != nil {
		return nil, fmt.Errorf("check store: %w", err)
	}
	db, err := file.OpenMapped(cfg.Path, cfg.MaxBytes)
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	s := &Store{cfg: cfg, db: db, room: semaphore.NewWeighted(cfg.MaxPending), wake: make(chan struct{}, 1), jobs: make(chan func(context.Context)), ended: make(chan struct{})}
	_, _ = rand.Read(s.salt[:]) // never fails
	err = s.view(checkFormat)
	if err == nil {
		err = s.addLate()
	}
	if err == nil {
		err = s.readBans()
	}
	if err == nil {
		err = file.Remove(compactPath(cfg.Path))
	}
	if err == nil {
		err = s.refillReserve()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open store: %w", err), db.Close())
	}
	s.touch(mappedMost) // the check has read it all
	return s, nil
}

// Close closes the file. Run must have returned. It is idempotent.
func (s *Store) Close() error {
	s.shut()
	return s.db.Close()
}

func initialize(tx *bolt.Tx) error {
	for _, name := range slices.Concat(buckets, late) {
		if _, err := tx.CreateBucket(name); err != nil {
			return err
		}
	}
	meta := tx.Bucket(bucketMeta)
	if err := meta.Put(keyFormat, binary.BigEndian.AppendUint32(nil, format)); err != nil {
		return err
	}
	return meta.Put(keyTotals, seal(bucketMeta, keyTotals, totals{}.bytesOf()))
}

// addLate makes the late buckets in a store of before them.
func (s *Store) addLate() error {
	lacking := false
	err := s.view(func(tx *bolt.Tx) error {
		lacking = slices.ContainsFunc(late, func(name []byte) bool { return tx.Bucket(name) == nil })
		return nil
	})
	if err != nil || !lacking {
		return err
	}
	return s.db.Update(func(tx *bolt.Tx) error {
		for _, name := range late {
			if _, err := tx.CreateBucketIfNotExists(name); err != nil {
				return err
			}
		}
		return nil
	})
}

func checkFormat(tx *bolt.Tx) error {
	meta := tx.Bucket(bucketMeta)
	if meta == nil {
		return fmt.Errorf("%w: not a relay's store", ErrDamaged)
	}
	v := meta.Get(keyFormat)
	if len(v) != 4 {
		return fmt.Errorf("%w: no format", ErrDamaged)
	}
	if n := binary.BigEndian.Uint32(v); n > format {
		return fmt.Errorf("%w: format %d", ErrNewer, n)
	} else if n < format {
		return fmt.Errorf("%w: format %d", ErrDamaged, n)
	}
	for _, name := range buckets {
		if tx.Bucket(name) == nil {
			return fmt.Errorf("%w: no bucket %s", ErrDamaged, name)
		}
	}
	_, err := readTotals(tx)
	return err
}

// view runs fn in a short read transaction. What fn returns must be copied.
func (s *Store) view(fn func(*bolt.Tx) error) (err error) {
	if err := s.failed(); err != nil {
		return err
	}
	defer s.rescue(&err)()
	s.swap.RLock()
	defer s.swap.RUnlock()
	return s.db.View(fn)
}

// rescue turns what bbolt does on a page that makes no sense, a panic or a
// fault in the mapped file, into a failed store. Call what it returns in a
// defer.
func (s *Store) rescue(err *error) func() {
	was := debug.SetPanicOnFault(true)
	return func() {
		debug.SetPanicOnFault(was)
		if r := recover(); r != nil {
			*err = s.fail(fmt.Errorf("%w: %v", ErrDamaged, r))
		}
	}
}

// fail marks the store as no longer to be trusted and ends Run. The first cause
// stays.
func (s *Store) fail(cause error) error {
	if s.failure.CompareAndSwap(nil, &cause) {
		s.cfg.Log.Error("store failed", "err", cause)
		s.signal()
	}
	return s.failed()
}

func (s *Store) failed() error {
	if p := s.failure.Load(); p != nil {
		return *p
	}
	return nil
}

// Health returns nil while the store serves.
func (s *Store) Health(context.Context) error {
	if err := s.failed(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	return nil
}

// Bytes returns what is stored, as MaxBytes counts it.
func (s *Store) Bytes() (n uint64, err error) {
	err = s.view(func(tx *bolt.Tx) error {
		t, err := readTotals(tx)
		n = t.bytes
		return err
	})
	return n, err
}
