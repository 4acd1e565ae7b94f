package store

import (
	"context"
	"io"
	"time"

	"quicnprotochat/node/store/database"
	"quicnprotochat/node/store/home"
	"quicnprotochat/node/store/tables"
)

// Config says what Open opens. Its clock is that of the home: all that is dated or
// judged by its age goes by it.
type Config = database.Config

// Steps at which Config.Fault is called in every Update.
const (
	FaultBeforeCommit = database.FaultBeforeCommit
	FaultAfterCommit  = database.FaultAfterCommit
)

// migrations bring an older database up to date.
var migrations = tables.Steps()

// Large returns the tables that grow with what people say, for Config.Later: no key is in
// them, and nothing that is still to be sent.
func Large() []string {
	return []string{"messages", "audience", "searchable", "search", "search_config", "search_content", "search_data", "search_docsize", "search_idx"}
}

// Store is an open home. Its methods may be called by many goroutines.
type Store struct {
	db  *database.DB
	now func() time.Time
}

// Tx is a transaction. It is valid, in one goroutine, until the function that
// was given it returns. In a View, methods that write return an error.
type Tx struct {
	db  *database.Tx
	now func() time.Time
}

// Now is the time by the clock of the home.
func (s *Store) Now() time.Time { return s.now() }

// Now is the time by the clock of the home.
func (t *Tx) Now() time.Time { return t.now() }

// Age is how long ago something was noted, by the clock of the home. If that is yet to
// come by more than a minute, the clock was ahead then, and it was long ago: a year.
func Age(now, noted time.Time) time.Duration {
	if noted.After(now.Add(clockSlack)) {
		return 365 * 24 * time.Hour
	}
	return now.Sub(noted)
}

// clockSlack is how far back a clock may be set without being taken for one that was
// ahead before.
const clockSlack = time.Minute

// Open opens the home in cfg.Dir and makes it if it is not there. Errors: ErrNewer,
// ErrDamaged, those of package home, or one of the file system.
func Open(cfg Config) (*Store, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	db, err := database.Open(cfg, migrations)
	if err != nil {
		return nil, err
	}
	return &Store{db: db, now: cfg.Now}, nil
}

// ChangePassword encrypts the home in cfg.Dir anew, see database.ChangePassword.
func ChangePassword(cfg Config, next []byte) error {
	return database.ChangePassword(cfg, migrations, next)
}

// Adopt makes a home of a Snapshot, see database.Adopt.
func Adopt(cfg Config, key home.Key, write func(io.Writer) error) error {
	return database.Adopt(cfg, migrations, key, write)
}

// Check reads what Open has left unchecked after an unclean stop, see database.DB.Check.
func (s *Store) Check(ctx context.Context) error { return s.db.Check(ctx) }

// Close waits for running transactions and gives the home free. It is idempotent.
func (s *Store) Close() error { return s.db.Close() }

// on makes of what a caller does with a Tx what the database does with one of its own.
func (s *Store) on(fn func(*Tx) error) func(*database.Tx) error {
	return func(db *database.Tx) error { return fn(&Tx{db: db, now: s.now}) }
}

// Update runs fn in a write transaction, one at a time, see database.DB.Update.
func (s *Store) Update(ctx context.Context, fn func(*Tx) error) error {
	return s.db.Update(ctx, s.on(fn))
}

// UpdateLazily is Update that does not wait for the disk, see
// database.DB.UpdateLazily.
func (s *Store) UpdateLazily(ctx context.Context, fn func(*Tx) error) error {
	return s.db.UpdateLazily(ctx, s.on(fn))
}

// View runs fn on a snapshot of the database, see database.DB.View.
func (s *Store) View(ctx context.Context, fn func(*Tx) error) error {
	return s.db.View(ctx, s.on(fn))
}

// Glance is View for a few rows, and faster, see database.DB.Glance.
func (s *Store) Glance(ctx context.Context, fn func(*Tx) error) error {
	return s.db.Glance(ctx, s.on(fn))
}

// Snapshot writes the database to a new file under a fresh key, see
// database.DB.Snapshot.
func (s *Store) Snapshot(ctx context.Context, path string, prepare func(*Tx) error) (home.Key, error) {
	return s.db.Snapshot(ctx, path, s.on(prepare))
}

// Export writes the database as it is now to a new file in clear, with every key that
// is in it, and says how much that is. It returns os.ErrExist if something is there.
func (s *Store) Export(ctx context.Context, path string) (n Sizes, err error) {
	if err := s.db.Export(ctx, path); err != nil {
		return n, err
	}
	err = s.View(ctx, func(tx *Tx) (err error) {
		n, err = tx.Sizes()
		return err
	})
	return n, err
}
