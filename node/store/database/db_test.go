package database

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ncruces/go-sqlite3"
	"go.uber.org/goleak"

	"quicnprotochat/node/store/home"
)

// tables are what the tests keep, in two steps.
var tables = []string{
	"CREATE TABLE meta (key TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID",
	"CREATE TABLE rows (id INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT",
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// open opens a store, in a directory of its own if cfg names none.
func open(t testing.TB, cfg Config) *DB {
	t.Helper()
	if cfg.Dir == "" {
		cfg.Dir = t.TempDir()
	}
	s, err := Open(cfg, tables)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func update(t testing.TB, s *DB, fn func(*Tx) error) {
	t.Helper()
	if err := s.Update(context.Background(), fn); err != nil {
		t.Fatal(err)
	}
}

func view(t testing.TB, s *DB, fn func(*Tx) error) {
	t.Helper()
	if err := s.View(context.Background(), fn); err != nil {
		t.Fatal(err)
	}
}

// wantMeta checks the value of a key; "" means that there must be none.
func wantMeta(t testing.TB, s *DB, key, want string) {
	t.Helper()
	view(t, s, func(tx *Tx) error {
		got, err := get(tx, key)
		if string(got) != want || (got == nil) != (want == "") {
			t.Errorf("meta %q: got %q, want %q", key, got, want)
		}
		return err
	})
}

func setMeta(key, value string) func(*Tx) error {
	return func(tx *Tx) error { return put(tx, key, []byte(value)) }
}

func TestUpdateRollsBack(t *testing.T) {
	s := open(t, Config{})
	update(t, s, setMeta("k", "old"))
	failure := errors.New("no")
	for name, test := range map[string]struct {
		fn   func(*Tx, context.CancelFunc) error
		want error
	}{
		"error":     {func(*Tx, context.CancelFunc) error { return failure }, failure},
		"cancelled": {func(_ *Tx, cancel context.CancelFunc) error { cancel(); return nil }, context.Canceled},
		"statement": {func(tx *Tx, _ context.CancelFunc) error {
			_ = tx.Do("SELECT * FROM nothing")
			return nil // though something went wrong
		}, sqlite3.ERROR},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			err := s.Update(ctx, func(tx *Tx) error {
				if err := put(tx, "k", []byte("new")); err != nil {
					return err
				}
				return test.fn(tx, cancel)
			})
			wantErr(t, err, test.want)
			wantMeta(t, s, "k", "old")
		})
	}
}

func TestPanicAndExitRollBack(t *testing.T) {
	s := open(t, Config{})
	for _, call := range []func(context.Context, func(*Tx) error) error{s.Update, s.View} {
		for range maxReaders + 1 {
			func() {
				defer func() {
					if r := recover(); r != "boo" {
						t.Errorf("recovered %v", r)
					}
				}()
				call(t.Context(), func(tx *Tx) error {
					_ = put(tx, "k", []byte("v"))
					panic("boo")
				})
			}()
			done := make(chan struct{})
			go func() {
				defer close(done)
				call(t.Context(), func(tx *Tx) error {
					_ = put(tx, "k", []byte("v"))
					runtime.Goexit()
					return nil
				})
			}()
			<-done
		}
	}
	wantMeta(t, s, "k", "")
	update(t, s, setMeta("k", "v"))
	wantMeta(t, s, "k", "v")
}

func TestFault(t *testing.T) {
	var fail string
	crash := errors.New("crash")
	s := open(t, Config{Fault: func(step string) error {
		if step == fail {
			return crash
		}
		return nil
	}})
	for _, test := range []struct{ fail, want string }{
		{FaultBeforeCommit, ""},
		{FaultAfterCommit, "v"},
	} {
		fail = test.fail
		if err := s.Update(t.Context(), setMeta(test.fail, "v")); !errors.Is(err, crash) {
			t.Errorf("%s: got %v, want %v", test.fail, err, crash)
		}
		wantMeta(t, s, test.fail, test.want)
	}
	fail = ""
	update(t, s, setMeta("later", "v"))
}

func TestViewCannotWrite(t *testing.T) {
	s := open(t, Config{})
	err := s.View(t.Context(), func(tx *Tx) error {
		if err := put(tx, "k", []byte("v")); err == nil {
			t.Error("a View could write")
		}
		return nil
	})
	if err == nil {
		t.Error("a View with a failed write returned nil")
	}
	wantMeta(t, s, "k", "")
}

func TestTxEndsWithItsFunction(t *testing.T) {
	s := open(t, Config{})
	var kept *Tx
	update(t, s, func(tx *Tx) error { kept = tx; return nil })
	if err := put(kept, "k", nil); !errors.Is(err, ErrClosed) {
		t.Errorf("got %v, want %v", err, ErrClosed)
	}
}

func TestClose(t *testing.T) {
	dir := t.TempDir()
	s := open(t, Config{Dir: dir})
	update(t, s, setMeta("k", "v"))
	wantMeta(t, s, "k", "v")
	for range 2 {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Update(t.Context(), setMeta("k", "w")); !errors.Is(err, ErrClosed) {
		t.Errorf("Update: got %v, want %v", err, ErrClosed)
	}
	if err := s.View(t.Context(), func(*Tx) error { return nil }); !errors.Is(err, ErrClosed) {
		t.Errorf("View: got %v, want %v", err, ErrClosed)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		switch e.Name() {
		case home.LockFile, home.KeyFile, home.DBFile:
		default:
			t.Errorf("%s is left after Close", e.Name())
		}
	}
	wantMeta(t, open(t, Config{Dir: dir}), "k", "v")
}

func TestCloseWaitsForTransactions(t *testing.T) {
	s := open(t, Config{})
	var done atomic.Int32
	started := make(chan struct{}, 3)
	release := make(chan struct{})
	slow := func(tx *Tx) error {
		started <- struct{}{}
		<-release
		_, err := get(tx, "k")
		done.Add(1)
		return err
	}
	var wg sync.WaitGroup
	for _, call := range []func(context.Context, func(*Tx) error) error{s.Update, s.View, s.View} {
		wg.Go(func() {
			if err := call(t.Context(), slow); err != nil {
				t.Error(err)
			}
		})
	}
	for range 3 {
		<-started
	}
	wg.Go(func() { close(release) })
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if n := done.Load(); n != 3 {
		t.Errorf("Close returned with %d of 3 transactions done", n)
	}
	wg.Wait()
}

func TestWaitingEndsWithContext(t *testing.T) {
	s := open(t, Config{})
	update(t, s, func(*Tx) error {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if err := s.Update(ctx, setMeta("k", "v")); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want %v", err, context.DeadlineExceeded)
		}
		return nil
	})
}

func TestContextInterruptsStatement(t *testing.T) {
	s := open(t, Config{})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	err := s.View(ctx, func(tx *Tx) error {
		_, err := tx.Count(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 1000000000)
			SELECT count(*) FROM n`)
		return err
	})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want %v", err, context.DeadlineExceeded)
	}
	wantMeta(t, s, "k", "")
}

// TestViewIsNotBlocked reads inside of a write transaction: the old snapshot.
func TestViewIsNotBlocked(t *testing.T) {
	s := open(t, Config{})
	update(t, s, setMeta("k", "old"))
	view(t, s, func(before *Tx) error {
		update(t, s, func(tx *Tx) error {
			if err := put(tx, "k", []byte("new")); err != nil {
				return err
			}
			wantMeta(t, s, "k", "old")
			return nil
		})
		wantMeta(t, s, "k", "new")
		return nil
	})
	view(t, s, func(before *Tx) error {
		if _, err := get(before, "k"); err != nil {
			return err
		}
		update(t, s, setMeta("k", "newest"))
		got, err := get(before, "k")
		if string(got) != "new" {
			t.Errorf("snapshot shows %q", got)
		}
		return err
	})
}

// TestConcurrent moves amounts between two rows. Each View must see the same
// sum, and no Update may be lost.
func TestConcurrent(t *testing.T) {
	const writers, rounds = 8, 25
	s := open(t, Config{})
	type pair struct{ a, b int }
	read := func(tx *Tx) (p pair, err error) {
		a, err1 := get(tx, "a")
		b, err2 := get(tx, "b")
		_, err = fmt.Sscan(string(a)+" "+string(b), &p.a, &p.b)
		return p, errors.Join(err1, err2, err)
	}
	write := func(tx *Tx, p pair) error {
		return errors.Join(put(tx, "a", fmt.Append(nil, p.a)), put(tx, "b", fmt.Append(nil, p.b)))
	}
	update(t, s, func(tx *Tx) error { return write(tx, pair{a: writers * rounds}) })
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for range 2 * maxReaders {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				view(t, s, func(tx *Tx) error {
					p, err := read(tx)
					if p.a+p.b != writers*rounds {
						t.Errorf("got %d and %d", p.a, p.b)
					}
					return err
				})
			}
		})
	}
	var writing sync.WaitGroup
	for range writers {
		writing.Go(func() {
			for range rounds {
				update(t, s, func(tx *Tx) error {
					p, err := read(tx)
					if err != nil {
						return err
					}
					p.a--
					p.b++
					return write(tx, p)
				})
			}
		})
	}
	writing.Wait()
	close(stop)
	wg.Wait()
	view(t, s, func(tx *Tx) error {
		p, err := read(tx)
		if p.a != 0 || p.b != writers*rounds {
			t.Errorf("got %d and %d at the end", p.a, p.b)
		}
		return err
	})
}

// TestReadersBesideWriter reads large values while they are being replaced. The
// cipher's units and the pages in the write-ahead log do not align, so a reader
// meets units of which the writer is just filling the rest.
func TestReadersBesideWriter(t *testing.T) {
	const keys, rounds = 4, 150
	s := open(t, Config{})
	write := func(version int) {
		update(t, s, func(tx *Tx) error {
			var errs []error
			for k := range keys {
				size := 1000 + 3000*k + version*7%500
				errs = append(errs, put(tx, fmt.Sprint(k), bytes.Repeat([]byte{byte(version)}, size)))
			}
			return errors.Join(errs...)
		})
	}
	write(0)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range maxReaders {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				view(t, s, func(tx *Tx) error {
					var all []byte
					for k := range keys {
						v, err := get(tx, fmt.Sprint(k))
						if err != nil {
							return err
						}
						all = append(all, v...)
					}
					if n := bytes.Count(all, all[:1]); n != len(all) {
						t.Errorf("%d of %d bytes are of another version", len(all)-n, len(all))
					}
					return nil
				})
			}
		})
	}
	for n := range rounds {
		write(n + 1)
	}
	close(stop)
	wg.Wait()
}

// TestSynctest: who waits for the store is blocked durably, so virtual time
// goes on while a transaction sleeps.
func TestSynctest(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s, err := Open(Config{Dir: dir}, tables)
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				update(t, s, func(tx *Tx) error {
					time.Sleep(time.Hour)
					return put(tx, "k", []byte("v"))
				})
			})
			for range maxReaders {
				wg.Go(func() {
					view(t, s, func(*Tx) error { time.Sleep(time.Hour); return nil })
				})
			}
		}
		wg.Wait()
		if got := time.Since(start); got != 3*time.Hour {
			t.Errorf("took %v, want 3h", got)
		}
		wantMeta(t, s, "k", "v")
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// TestLogIsBounded writes far more than the write-ahead log may hold.
func TestLogIsBounded(t *testing.T) {
	s := open(t, Config{})
	wal := s.path(home.DBFile + "-wal")
	var most int64
	for n := range 40 {
		update(t, s, func(tx *Tx) error {
			return put(tx, "k", []byte(strings.Repeat(string(rune('a'+n%26)), 1<<20)))
		})
		info, err := os.Stat(wal)
		if err != nil {
			t.Fatal(err)
		}
		most = max(most, info.Size())
	}
	if most > 2*logLimit {
		t.Errorf("the write-ahead log grew to %d bytes", most)
	}
}

func TestSortable(t *testing.T) {
	values := []uint64{0, 1, 1 << 62, math.MaxInt64, 1 << 63, math.MaxUint64 - 1, math.MaxUint64}
	for i, v := range values {
		if got := unsortable(sortable(v)); got != v {
			t.Errorf("got %d, want %d", got, v)
		}
		if i > 0 && sortable(values[i-1]) >= sortable(v) {
			t.Errorf("%d does not sort after %d", v, values[i-1])
		}
	}
}

// put and get are the one table of these tests: "" means that there is no row.
func put(tx *Tx, key string, value []byte) error {
	if value == nil {
		return tx.Do("DELETE FROM meta WHERE key = ?", key)
	}
	return tx.Do("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", key, value)
}

func get(tx *Tx, key string) ([]byte, error) {
	v, err := First(tx, (*Row).Value, "SELECT value FROM meta WHERE key = ?", key)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	return v, err
}

// wantErr checks an error by errors.Is.
func wantErr(t *testing.T, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("got error %v, want %v", got, want)
	}
}

// copyHome copies the files of an open home, as a crash would leave them.
func copyHome(t testing.TB, from string) string {
	t.Helper()
	to := t.TempDir()
	copyFiles(t, from, to)
	return to
}

func copyFiles(t interface{ Fatal(...any) }, from, to string) {
	entries, err := os.ReadDir(from)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if filepath.Ext(e.Name()) == ".db-shm" {
			continue // shared memory does not survive a power loss
		}
		b, err := os.ReadFile(filepath.Join(from, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(to, e.Name()), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestUpdateLazily: lazy and durable updates follow each other in their order,
// each whole; a durable one waits for the disk whatever came before it.
func TestUpdateLazily(t *testing.T) {
	s, err := Open(Config{Dir: t.TempDir()}, tables)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	put := func(update func(context.Context, func(*Tx) error) error, value string, fail error) {
		t.Helper()
		err := update(t.Context(), func(tx *Tx) error {
			return errors.Join(put(tx, "k", []byte(value)), fail)
		})
		if !errors.Is(err, fail) {
			t.Fatalf("%s: got %v, want %v", value, err, fail)
		}
	}
	refused := errors.New("refused")
	for i, update := range []func(context.Context, func(*Tx) error) error{s.Update, s.UpdateLazily, s.UpdateLazily, s.Update} {
		value := fmt.Sprint(i)
		put(update, value, nil)
		put(update, "undone", refused)
		c := <-s.writer
		mode, err := c.pragma("synchronous")
		lazy := c.disk.Lazy
		s.writer <- c
		if want := i == 1 || i == 2; err != nil || mode != 2 || lazy != want {
			t.Errorf("update %d: got synchronous %d, %v, lazy %v, want 2, lazy %v", i, mode, err, lazy, want)
		}
		err = s.View(t.Context(), func(tx *Tx) error {
			got, err := get(tx, "k")
			if string(got) != value {
				t.Errorf("got %q, want %q", got, value)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
