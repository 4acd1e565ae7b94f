package ledger

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"quicnprotochat/relay/store/file"
)

var (
	notes    = []byte("notes")
	myLayout = Layout{Format: 1, Tables: [][]byte{notes}}
)

// begun opens a ledger and runs its writer until stop.
func begun(t *testing.T, cfg Config) (l *Ledger, stop func()) {
	t.Helper()
	cfg.Layout = myLayout
	l, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := errors.Join(<-done, l.Close()); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return l, stop
}

func put(l *Ledger, key, body string) error {
	return l.Write(context.Background(), len(body), func(b *Batch) error { return b.Put(notes, []byte(key), []byte(body)) })
}

func wantNote(t *testing.T, l *Ledger, key, want string) {
	t.Helper()
	got := ""
	err := l.View(func(tx *bolt.Tx) error {
		v := tx.Bucket(notes).Get([]byte(key))
		if v == nil {
			return nil
		}
		body, err := Unseal(notes, []byte(key), v)
		got = string(body)
		return err
	})
	if err != nil || got != want {
		t.Errorf("%s: got %q, %v, want %q", key, got, err, want)
	}
}

// What was written is there when the file is opened again, what was refused is not, and
// the totals say how much it is.
func TestWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	l, stop := begun(t, Config{Path: path, MaxBytes: 300})
	if err := errors.Join(put(l, "a", "one"), put(l, "b", "two")); err != nil {
		t.Fatal(err)
	}
	if err := put(l, "c", "no room for a third one"); !errors.Is(err, ErrBusy) {
		t.Errorf("got %v, want %v", err, ErrBusy)
	}
	if err := put(l, "b", "2"); err != nil {
		t.Error(err)
	}
	broken := errors.New("broken")
	err := l.Write(t.Context(), 0, func(b *Batch) error {
		return errors.Join(b.Delete(notes, []byte("a")), Abort(broken))
	})
	if !errors.Is(err, broken) {
		t.Errorf("aborted: got %v, want %v", err, broken)
	}
	stop()
	if err := put(l, "d", "late"); !errors.Is(err, ErrClosed) {
		t.Errorf("closed: got %v, want %v", err, ErrClosed)
	}
	l, _ = begun(t, Config{Path: path, MaxBytes: 300})
	wantNote(t, l, "a", "one")
	wantNote(t, l, "b", "2")
	wantNote(t, l, "c", "")
	if n, err := l.Bytes(); err != nil || n != RecordSize(3+SumSize)+RecordSize(1+SumSize) {
		t.Errorf("got %d bytes, %v", n, err)
	}
}

// A record is bound to its place: one that is moved is as damaged as one that is
// changed.
func TestRecordMoved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	l, stop := begun(t, Config{Path: path})
	if err := put(l, "a", "one"); err != nil {
		t.Fatal(err)
	}
	stop()
	err := UpdateFile(path, myLayout, func(tx *bolt.Tx) error {
		b := tx.Bucket(notes)
		return b.Put([]byte("b"), b.Get([]byte("a")))
	})
	if err != nil {
		t.Fatal(err)
	}
	r, err := VerifyFile(t.Context(), path, myLayout)
	if err != nil || r.Damaged != 1 || r.Damages[0].Key != "62" {
		t.Errorf("got %+v, %v", r, err)
	}
	newer := myLayout
	newer.Format = 0
	if _, err := VerifyFile(t.Context(), path, newer); !errors.Is(err, ErrNewer) {
		t.Errorf("format: got %v, want %v", err, ErrNewer)
	}
	other := Layout{Format: 1, Tables: [][]byte{[]byte("others")}}
	if err := UpdateFile(path, other, func(*bolt.Tx) error { return nil }); !errors.Is(err, file.ErrDamaged) {
		t.Errorf("tables: got %v, want %v", err, ErrDamaged)
	}
}

// A sweep removes what is due in slices, and goes on where one ended.
func TestSweep(t *testing.T) {
	var now *Batch
	dropped := 0
	l, _ := begun(t, Config{
		Path:  filepath.Join(t.TempDir(), "ledger.db"),
		Begin: func(b *Batch) { now = b },
		Expiries: []Expiry{{
			Table: notes,
			Due:   func(_ *bolt.Bucket, k, _ []byte) bool { return len(k) == 5 },
			Drop: func(k []byte, budget *int) error {
				if *budget -= 2; *budget < 0 { // as if there were two things in it
					return ErrBudget
				}
				dropped++
				return now.Delete(notes, k)
			},
		}},
	})
	const n = 2*sweepBudget + 10
	err := l.Write(t.Context(), 0, func(b *Batch) error {
		for i := range n {
			if err := b.Put(notes, fmt.Appendf(nil, "%05d", i), []byte("x")); err != nil {
				return err
			}
		}
		return b.Put(notes, []byte("stays."), []byte("x"))
	})
	if err != nil {
		t.Fatal(err)
	}
	slices := 0
	for done := false; !done; slices++ {
		before := dropped
		if done, err = l.Sweep(t.Context()); err != nil || dropped-before > sweepBudget/2 {
			t.Fatalf("slice %d: %d dropped, %v", slices, dropped-before, err)
		}
	}
	if dropped != n || slices < 5 {
		t.Errorf("%d of %d dropped in %d slices", dropped, n, slices)
	}
	wantNote(t, l, "stays.", "x")
}

// When nothing is committed, a write waits for room, and is refused.
func TestQueueBound(t *testing.T) {
	l, err := Open(Config{Path: filepath.Join(t.TempDir(), "ledger.db"), Layout: myLayout, MaxPending: 4 << 10})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	nothing := func(*Batch) error { return nil }
	for range 4 {
		wg.Go(func() { _ = l.Write(ctx, 0, nothing) })
	}
	for l.queued() < 4 {
		time.Sleep(time.Millisecond)
	}
	if err := l.Write(ctx, 0, nothing); !errors.Is(err, ErrBusy) {
		t.Errorf("got %v, want %v", err, ErrBusy)
	}
	cancel()
	wg.Wait()
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}
