package store

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"quicnprotochat/relay/store/ledger"
	"quicnprotochat/relay/store/share"
	"quicnprotochat/rpc"
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
	// MaxPlaceShare and MaxPlaceShareBytes bound what all at one place have there,
	// since keys cost nothing. Default: a third of MaxDepth and of MaxInboxBytes.
	MaxPlaceShare      int
	MaxPlaceShareBytes int64
	// MaxInboxes bounds the inboxes of one owner on channels. Default 1000.
	MaxInboxes int
	// MaxBytes bounds all that is stored, with 128 bytes for each record. The
	// file is larger than that by what its pages leave empty. Default: that of
	// ledger.Config.
	MaxBytes int64
	// Retention is how long a payload is kept. Default 7 days.
	Retention time.Duration
	// Forget is how long an empty, unused inbox keeps a place of its own, and
	// a hybrid key that nobody replaced, an endpoint that is over and a generation
	// that nobody told again are kept. Default 60 days.
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
	// MaxPending bounds the bytes of the writes that wait for a commit. Default: that
	// of ledger.Config.
	MaxPending int64
	// OnAppend is called after the commit of an append, once for each inbox that
	// got something. It must not block. Default: nobody is told.
	OnAppend func(Inbox)
	// OnBan is called after the commit of a ban, with the identity that is out. It
	// must not block. Default: nobody is told.
	OnBan func(rpc.Identity)
	// OnCommit is told of each commit of Run. It must not block. Default: nobody is told.
	OnCommit func(Commit)
	// Now is the clock. Default time.Now.
	Now func() time.Time
	// Fault is for tests, as in ledger.Config. Default: no faults.
	Fault func(step string) error
	// Log gets what goes wrong with the disk. Default: nothing is logged.
	Log *slog.Logger
}

func (c Config) withDefaults() Config {
	c.MaxDepth = cmp.Or(c.MaxDepth, 1000)
	c.MaxInboxBytes = cmp.Or(c.MaxInboxBytes, 64<<20)
	c.MaxShare = cmp.Or(c.MaxShare, max(1, c.MaxDepth/4))
	c.MaxShareBytes = cmp.Or(c.MaxShareBytes, c.MaxInboxBytes/4)
	c.MaxPlaceShare = cmp.Or(c.MaxPlaceShare, max(1, c.MaxDepth/3))
	c.MaxPlaceShareBytes = cmp.Or(c.MaxPlaceShareBytes, c.MaxInboxBytes/3)
	c.MaxInboxes = cmp.Or(c.MaxInboxes, 1000)
	c.Retention = cmp.Or(c.Retention, 7*24*time.Hour)
	c.Forget = cmp.Or(c.Forget, 60*24*time.Hour)
	c.MaxKeyPackages = cmp.Or(c.MaxKeyPackages, 50)
	c.MaxKeyPackageBytes = cmp.Or(c.MaxKeyPackageBytes, 4<<20)
	c.MaxHandouts = cmp.Or(c.MaxHandouts, 30)
	c.HandoutWindow = cmp.Or(c.HandoutWindow, time.Hour)
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
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

// Store is one open file. Its methods may be called from any goroutine. Writes
// wait until Run is running.
type Store struct {
	*ledger.Ledger

	cfg     Config
	salt    [32]byte // of the tags of depositors
	bans    bans
	crowds  share.Crowds[Inbox]
	current *batch // of Run's transaction, which alone uses it
}

// Open opens the file, or makes it, and checks its structure from end to end.
// The errors are ErrInUse, ErrDamaged, ErrNewer, or those of the file system.
func Open(cfg Config) (*Store, error) {
	s := &Store{cfg: cfg.withDefaults()}
	_, _ = rand.Read(s.salt[:]) // never fails
	var err error
	s.Ledger, err = ledger.Open(ledger.Config{
		Path:       cfg.Path,
		Layout:     Layout,
		Expiries:   s.expiries(),
		MaxBytes:   cfg.MaxBytes,
		MaxPending: cfg.MaxPending,
		Begin:      s.begin,
		Committed:  s.committed,
		OnCommit:   s.told,
		Now:        cfg.Now,
		Fault:      cfg.Fault,
		Log:        cfg.Log,
	})
	if err != nil {
		return nil, err
	}
	if err := s.readBans(); err != nil {
		return nil, errors.Join(fmt.Errorf("open store: %w", err), s.Close())
	}
	return s, nil
}
