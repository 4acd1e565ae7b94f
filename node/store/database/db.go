package database

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"quicnprotochat/node/store/home"
)

// maxReaders is how many Views read at the same time; more wait.
const maxReaders = 4

// Steps at which Config.Fault is called.
const (
	FaultBeforeCommit = "commit.before"
	FaultAfterCommit  = "commit.after"
	FaultSwapMade     = "swap.made"    // the new database is there
	FaultSwapDecided  = "swap.decided" // and its key, or its name is next
	FaultSwapRenamed  = "swap.renamed" // and it has its name
)

// Config says what Open opens.
type Config struct {
	// Dir is the home directory. It is made if absent.
	Dir string
	// Password opens a home that is locked with one, and locks one that is new;
	// empty means that there is none. Open wipes it.
	Password []byte
	// Log gets what happens at opening; nil discards it.
	Log *slog.Logger
	// Now is the clock of the home, by which old copies are removed; nil means
	// time.Now.
	Now func() time.Time
	// Later are tables that may be large. After an unclean stop Open leaves them to
	// Check, which takes as long as reading all of the file; nil means that Open checks
	// all.
	Later []string
	// Fault is for tests: it is called at FaultBeforeCommit and at
	// FaultAfterCommit of every Update. What it returns, Update returns; before
	// the commit that undoes the transaction, after it the transaction stays. It is
	// also called at the FaultSwap steps: what it returns ends the work there.
	// Nil means no faults.
	Fault func(step string) error
}

// DB is an open database. Its methods may be called by many goroutines.
type DB struct {
	cfg    Config
	tables []string // what makes the tables, step by step
	key    home.Key
	lock   *os.File

	// writer holds the one connection that writes, when nobody uses it. A
	// channel and not a mutex: waiting ends with the caller's context, and a
	// testing/synctest bubble sees it as blocked.
	writer chan *conn
	// idle holds open reading connections, spare the right to open another.
	idle  chan *conn
	spare chan struct{}

	// unchecked is set while not all of the file was checked since an unclean stop.
	unchecked atomic.Bool

	closing chan struct{} // closed when Close begins
	once    sync.Once
	closed  error // what Close returned, set by once
}

// Close waits for running transactions, copies the write-ahead log into the
// database, and gives the home free. It is idempotent.
func (d *DB) Close() error {
	d.once.Do(func() {
		close(d.closing)
		d.closed = d.shut()
	})
	return d.closed
}

func (d *DB) shut() error {
	if err := errors.Join(d.closeAll(), d.lock.Close()); err != nil {
		return fmt.Errorf("close store: %w", err)
	}
	return nil
}

// closeAll closes the connections, which ends the write-ahead log. The lock stays.
func (d *DB) closeAll() error {
	var errs []error
	for range maxReaders {
		select {
		case c := <-d.idle:
			errs = append(errs, c.close())
		case <-d.spare:
		}
	}
	w := <-d.writer
	_, err := w.pragma("wal_checkpoint(truncate)")
	errs = append(errs, err, w.close())
	err = errors.Join(errs...)
	if err == nil && !d.unchecked.Load() {
		err = errors.Join(home.Remove(d.path(home.UncleanFile)), home.SyncDir(d.cfg.Dir))
	}
	return err
}

// Update runs fn in a write transaction, one at a time. If fn returns nil and
// Update returns nil, everything fn did is durable; otherwise nothing of it is
// there. fn must not call Update, and should not wait for anything.
//
// When ctx ends, waiting ends and a running statement is interrupted; once the
// commit has begun it is not.
func (d *DB) Update(ctx context.Context, fn func(*Tx) error) error {
	c, err := d.takeWriter(ctx)
	if err != nil {
		return err
	}
	defer func() { d.writer <- c }()
	c.disk.Lazy = false
	return d.transact(ctx, c, "BEGIN IMMEDIATE", fn, d.commit)
}

// UpdateLazily is Update that does not wait for the disk: what it did is durable
// after the next Update, or Close. A process that is killed loses nothing of it,
// a power cut may, as a whole and never before what was done after it. It is for
// what follows from durable rows and is done again if they are all that is left.
func (d *DB) UpdateLazily(ctx context.Context, fn func(*Tx) error) error {
	c, err := d.takeWriter(ctx)
	if err != nil {
		return err
	}
	defer func() { d.writer <- c }()
	// In the write-ahead log either kind may follow the other: a synced commit syncs
	// all of the log before it.
	c.disk.Lazy = true
	return d.transact(ctx, c, "BEGIN IMMEDIATE", fn, d.commit)
}

// View runs fn on a snapshot of the database. fn may take its time in computing,
// but while it runs the write-ahead log cannot be emptied.
func (d *DB) View(ctx context.Context, fn func(*Tx) error) error {
	c, err := d.takeReader(ctx)
	if err != nil {
		return err
	}
	defer func() { d.idle <- c }()
	return d.transact(ctx, c, "BEGIN", fn, (*conn).rollback)
}

// Glance is View for a few rows, and faster: it reads on the writing connection,
// which has them in memory, if no Update runs. So an Update may have to wait for
// it, and fn must neither take long nor call Update.
func (d *DB) Glance(ctx context.Context, fn func(*Tx) error) error {
	if err := d.usable(ctx); err != nil {
		return err
	}
	select {
	case c := <-d.writer:
		defer func() { d.writer <- c }()
		return d.transact(ctx, c, "BEGIN", fn, (*conn).rollback)
	default:
		return d.View(ctx, fn)
	}
}

// transact runs fn between begin and end. Whatever happens, a panic in fn
// included, no transaction is left open.
func (d *DB) transact(ctx context.Context, c *conn, begin string, fn func(*Tx) error, end func(*conn) error) (err error) {
	if err := c.run(begin); err != nil {
		return classify(err)
	}
	c.db.SetInterrupt(ctx)
	tx := &Tx{ctx: ctx, c: c}
	defer func() {
		tx.c = nil
		if e := c.rollback(); e != nil {
			err = errors.Join(err, e)
		}
	}()
	if err := fn(tx); err != nil {
		return err
	}
	if tx.err != nil {
		return tx.err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	tx.c = nil
	c.db.SetInterrupt(context.Background())
	return end(c)
}

// commit ends a write transaction.
func (d *DB) commit(c *conn) error {
	if err := d.fault(FaultBeforeCommit); err != nil {
		return err
	}
	if err := c.run("COMMIT"); err != nil {
		return fmt.Errorf("commit: %w", classify(err))
	}
	return d.fault(FaultAfterCommit)
}

func (d *DB) fault(step string) error {
	if d.cfg.Fault == nil {
		return nil
	}
	return d.cfg.Fault(step)
}

// takeWriter waits for the writing connection.
func (d *DB) takeWriter(ctx context.Context) (*conn, error) {
	if err := d.usable(ctx); err != nil {
		return nil, err
	}
	select {
	case c := <-d.writer:
		return c, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-d.closing:
		return nil, ErrClosed
	}
}

// takeReader takes an idle connection, or opens one, or waits.
func (d *DB) takeReader(ctx context.Context) (*conn, error) {
	if err := d.usable(ctx); err != nil {
		return nil, err
	}
	select {
	case c := <-d.idle:
		return c, nil
	default:
	}
	select {
	case c := <-d.idle:
		return c, nil
	case <-d.spare:
		return d.openReader()
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-d.closing:
		return nil, ErrClosed
	}
}

// usable refuses who comes too late, which a select with several ready cases
// would not.
func (d *DB) usable(ctx context.Context) error {
	select {
	case <-d.closing:
		return ErrClosed
	default:
		return ctx.Err()
	}
}

// openReader opens a reading connection for one taken from spare.
func (d *DB) openReader() (*conn, error) {
	c, err := openConn(d.path(home.DBFile), d.key, d.path(home.KeyFile))
	if err == nil {
		if err = c.db.Exec("PRAGMA query_only = on"); err == nil {
			return c, nil
		}
		err = errors.Join(err, c.close())
	}
	d.spare <- struct{}{}
	return nil, fmt.Errorf("open reader: %w", classify(err))
}
