package store

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
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

	"quicnprotochat/rpc"
)

func TestMain(m *testing.M) {
	flag.Parse()
	// Each check opens stores and waits for the disk: fewer unless asked for.
	if f := flag.Lookup("rapid.checks"); f.Value.String() == f.DefValue {
		if err := f.Value.Set("25"); err != nil {
			panic(err)
		}
	}
	goleak.VerifyTestMain(m)
}

// open opens a store, in a directory of its own if cfg names none.
func open(t testing.TB, cfg Config) *Store {
	t.Helper()
	if cfg.Dir == "" {
		cfg.Dir = t.TempDir()
	}
	s, err := Open(cfg)
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

func update(t testing.TB, s *Store, fn func(*Tx) error) {
	t.Helper()
	if err := s.Update(context.Background(), fn); err != nil {
		t.Fatal(err)
	}
}

func view(t testing.TB, s *Store, fn func(*Tx) error) {
	t.Helper()
	if err := s.View(context.Background(), fn); err != nil {
		t.Fatal(err)
	}
}

// wantMeta checks the value of a key; "" means that there must be none.
func wantMeta(t testing.TB, s *Store, key, want string) {
	t.Helper()
	view(t, s, func(tx *Tx) error {
		got, err := tx.Meta(key)
		if string(got) != want || (got == nil) != (want == "") {
			t.Errorf("meta %q: got %q, want %q", key, got, want)
		}
		return err
	})
}

func setMeta(key, value string) func(*Tx) error {
	return func(tx *Tx) error { return tx.SetMeta(key, []byte(value)) }
}

// id16 and id32 make ids that are easily told apart.
func id16(n byte) [16]byte     { return [16]byte{n, 15: 0xff} }
func id32(n byte) (a [32]byte) { a[0], a[31] = n, 0xff; return a }

func identity(n byte) rpc.Identity { return rpc.Identity(id32(n)) }

// at is a time that a store keeps exactly.
func at(seconds int64) time.Time { return time.UnixMilli(1_700_000_000_000 + seconds*1000 + 7).UTC() }

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
			_ = tx.do("SELECT * FROM nothing")
			return nil // though something went wrong
		}, sqlite3.ERROR},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			err := s.Update(ctx, func(tx *Tx) error {
				if err := tx.SetMeta("k", []byte("new")); err != nil {
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
					_ = tx.SetMeta("k", []byte("v"))
					panic("boo")
				})
			}()
			done := make(chan struct{})
			go func() {
				defer close(done)
				call(t.Context(), func(tx *Tx) error {
					_ = tx.SetMeta("k", []byte("v"))
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
		if err := tx.SetMeta("k", []byte("v")); err == nil {
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
	if err := kept.SetMeta("k", nil); !errors.Is(err, ErrClosed) {
		t.Errorf("got %v, want %v", err, ErrClosed)
	}
	if _, err := kept.Records(id16(1)).Get("k"); !errors.Is(err, ErrClosed) {
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
		case lockFile, keyFile, dbFile:
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
		_, err := tx.Meta("k")
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
		_, err := tx.count(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 1000000000)
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
			if err := tx.SetMeta("k", []byte("new")); err != nil {
				return err
			}
			wantMeta(t, s, "k", "old")
			return nil
		})
		wantMeta(t, s, "k", "new")
		return nil
	})
	view(t, s, func(before *Tx) error {
		if _, err := before.Meta("k"); err != nil {
			return err
		}
		update(t, s, setMeta("k", "newest"))
		got, err := before.Meta("k")
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
	type pair struct{ a, b Conversation }
	read := func(tx *Tx) (p pair, err error) {
		if p.a, err = tx.Conversation(id16(1)); err == nil {
			p.b, err = tx.Conversation(id16(2))
		}
		return p, err
	}
	update(t, s, func(tx *Tx) error {
		return errors.Join(
			tx.PutConversation(Conversation{ID: id16(1), Counter: writers * rounds}),
			tx.PutConversation(Conversation{ID: id16(2)}))
	})
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
					if p.a.Counter+p.b.Counter != writers*rounds {
						t.Errorf("got %d and %d", p.a.Counter, p.b.Counter)
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
					p.a.Counter--
					p.b.Counter++
					return errors.Join(tx.PutConversation(p.a), tx.PutConversation(p.b))
				})
			}
		})
	}
	writing.Wait()
	close(stop)
	wg.Wait()
	view(t, s, func(tx *Tx) error {
		p, err := read(tx)
		if p.a.Counter != 0 || p.b.Counter != writers*rounds {
			t.Errorf("got %d and %d at the end", p.a.Counter, p.b.Counter)
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
				errs = append(errs, tx.SetMeta(fmt.Sprint(k), bytes.Repeat([]byte{byte(version)}, size)))
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
						v, err := tx.Meta(fmt.Sprint(k))
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
		s, err := Open(Config{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				update(t, s, func(tx *Tx) error {
					time.Sleep(time.Hour)
					return tx.SetMeta("k", []byte("v"))
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
	wal := s.path(dbFile + "-wal")
	var most int64
	for n := range 40 {
		update(t, s, func(tx *Tx) error {
			return tx.SetMeta("k", []byte(strings.Repeat(string(rune('a'+n%26)), 1<<20)))
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

func TestNothingSecretIsPrinted(t *testing.T) {
	var out strings.Builder
	log := slog.New(slog.NewTextHandler(&out, nil))
	secret := []byte("SECRET")
	log.Info("x", "a", HybridKey{Private: secret}, "b", KeyPackage{Secrets: secret},
		"c", Epoch{Group: secret}, "d", fileKey(id32('S')))
	if s := out.String(); strings.Contains(s, "SECRET") || strings.Count(s, "[redacted]") != 4 {
		t.Error(s)
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
	s, err := Open(Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	put := func(update func(context.Context, func(*Tx) error) error, value string, fail error) {
		t.Helper()
		err := update(t.Context(), func(tx *Tx) error {
			return errors.Join(tx.SetMeta("k", []byte(value)), fail)
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
		s.writer <- c
		if want := map[bool]int64{true: 1, false: 2}[i == 1 || i == 2]; err != nil || mode != want {
			t.Errorf("update %d: got synchronous %d, %v, want %d", i, mode, err, want)
		}
		err = s.View(t.Context(), func(tx *Tx) error {
			got, err := tx.Meta("k")
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
