package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"quicnprotochat/relay/store/ledger"
	"quicnprotochat/rpc"
)

// running is a store with its writer.
type running struct {
	*Store
	stop func() // ends the writer and closes the file
}

func start(t testing.TB, cfg Config) *running {
	t.Helper()
	if cfg.Path == "" {
		cfg.Path = filepath.Join(t.TempDir(), "relay.db")
	}
	s, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	stop := sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	t.Cleanup(stop)
	return &running{s, stop}
}

// clock is an injected time.
type clock struct{ ms atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.ms.Store(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).UnixMilli())
	return c
}

func (c *clock) now() time.Time      { return time.UnixMilli(c.ms.Load()) }
func (c *clock) add(d time.Duration) { c.ms.Add(d.Milliseconds()) }

func box(n byte) Inbox { return Inbox{Owner: rpc.Identity{n}} }

func put(t testing.TB, s *running, in Inbox, payload string) uint64 {
	t.Helper()
	seqs, err := s.Append(context.Background(), Depositor{}, []Inbox{in}, []byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	return seqs[0]
}

func wantPeek(t testing.TB, s *running, in Inbox, after uint64, want ...string) {
	t.Helper()
	got, err := s.Peek(context.Background(), in, after, 0, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, e := range got {
		texts = append(texts, string(e.Data))
	}
	if len(texts) != len(want) {
		t.Fatalf("got %q, want %q", texts, want)
	}
	for i := range want {
		if texts[i] != want[i] {
			t.Fatalf("got %q, want %q", texts, want)
		}
	}
}

func sweepAll(t testing.TB, s *running) {
	t.Helper()
	for {
		done, err := s.Sweep(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if done {
			return
		}
	}
}

func TestInbox(t *testing.T) {
	ctx := context.Background()
	s := start(t, Config{})
	a, b := box(1), box(2)
	withChannel := Inbox{Owner: a.Owner, Channel: rpc.Channel{9}}
	for i, p := range []string{"one", "two", "three"} {
		if got := put(t, s, a, p); got != uint64(i+1) {
			t.Errorf("seq: got %v, want %v", got, i+1)
		}
	}
	put(t, s, withChannel, "channel")
	wantPeek(t, s, a, 0, "one", "two", "three")
	wantPeek(t, s, a, 2, "three")
	wantPeek(t, s, a, 1<<63)
	wantPeek(t, s, a, 1<<64-1)
	wantPeek(t, s, withChannel, 0, "channel")
	wantPeek(t, s, b, 0)
	if got, _ := s.Peek(ctx, a, 0, 2, 1<<20); len(got) != 2 {
		t.Errorf("limit: got %v payloads, want 2", len(got))
	}
	if got, _ := s.Peek(ctx, a, 0, 0, 1); len(got) != 1 {
		t.Errorf("bytes: got %v payloads, want the first", len(got))
	}
	if err := s.Ack(ctx, a, 2); err != nil {
		t.Fatal(err)
	}
	wantPeek(t, s, a, 0, "three")
	put(t, s, a, "four")
	got, err := s.Drain(ctx, a, 1, 1<<20)
	if err != nil || len(got) != 1 || string(got[0].Data) != "three" {
		t.Errorf("drain: got %v, %v", got, err)
	}
	if got, err = s.Drain(ctx, a, 0, 1<<20); err != nil || len(got) != 1 || got[0].Seq != 4 {
		t.Errorf("drain: got %v, %v", got, err)
	}
	if got, err = s.Drain(ctx, a, 0, 1<<20); err != nil || len(got) != 0 {
		t.Errorf("drain of an empty inbox: got %v, %v", got, err)
	}
	if err := s.Ack(ctx, b, 1<<64-1); err != nil {
		t.Error(err)
	}
}

func TestAppendToMany(t *testing.T) {
	ctx := context.Background()
	s := start(t, Config{MaxDepth: 2})
	put(t, s, box(2), "first")
	seqs, err := s.Append(ctx, Depositor{}, []Inbox{box(1), box(2), box(1)}, []byte("all"))
	if err != nil || len(seqs) != 3 || seqs[0] != 1 || seqs[1] != 2 || seqs[2] != 2 {
		t.Fatalf("got %v, %v", seqs, err)
	}
	// A full one stops no other.
	seqs, err = s.Append(ctx, Depositor{}, []Inbox{box(2), box(3), box(2), box(3), box(3)}, []byte("more"))
	if err != nil || !slices.Equal(seqs, []uint64{0, 1, 0, 2, 0}) {
		t.Errorf("got %v, %v", seqs, err)
	}
	wantPeek(t, s, box(2), 0, "first", "all")
	wantPeek(t, s, box(3), 0, "more", "more")
	if _, err := s.Append(ctx, Depositor{}, []Inbox{box(3), box(2)}, nil); !errors.Is(err, ErrFull) {
		t.Errorf("got %v, want %v", err, ErrFull)
	}
}

func TestBounds(t *testing.T) {
	ctx := context.Background()
	s := start(t, Config{MaxDepth: 3, MaxInboxBytes: 4000, MaxBytes: 9000})
	kib := make([]byte, 1000)
	for range 3 {
		put(t, s, box(1), string(kib))
	}
	if _, err := s.Append(ctx, Depositor{}, []Inbox{box(1)}, nil); !errors.Is(err, ErrFull) {
		t.Errorf("depth: got %v, want %v", err, ErrFull)
	}
	if _, err := s.Append(ctx, Depositor{}, []Inbox{box(2)}, make([]byte, 4000)); !errors.Is(err, ErrFull) {
		t.Errorf("inbox bytes: got %v, want %v", err, ErrFull)
	}
	for i := range 4 {
		put(t, s, box(byte(3+i)), string(kib))
	}
	if _, err := s.Append(ctx, Depositor{}, []Inbox{box(9)}, kib); !errors.Is(err, ErrBusy) {
		t.Errorf("all bytes: got %v, want %v", err, ErrBusy)
	}
	if err := s.SetHybridKey(ctx, rpc.Identity{1}, kib); !errors.Is(err, ErrBusy) {
		t.Errorf("hybrid key: got %v, want %v", err, ErrBusy)
	}
	if _, err := s.Append(ctx, Depositor{}, []Inbox{box(9)}, make([]byte, ledger.MaxCommitBytes+1)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("got %v, want %v", err, ErrTooLarge)
	}
	// Room comes back.
	if err := s.Ack(ctx, box(1), 3); err != nil {
		t.Fatal(err)
	}
	put(t, s, box(9), string(kib))
}

func TestSequenceNeverGoesBack(t *testing.T) {
	ctx := context.Background()
	clk := newClock()
	path := filepath.Join(t.TempDir(), "relay.db")
	cfg := Config{Path: path, Now: clk.now, Forget: time.Hour}
	s := start(t, cfg)
	for range 5 {
		put(t, s, box(1), "x")
	}
	if err := s.Ack(ctx, box(1), 5); err != nil {
		t.Fatal(err)
	}
	s.stop()
	s = start(t, cfg)
	if got := put(t, s, box(1), "x"); got != 6 {
		t.Errorf("emptied and opened again: got %v, want 6", got)
	}
	if _, err := s.Drain(ctx, box(1), 0, 1<<20); err != nil {
		t.Fatal(err)
	}
	clk.add(2 * time.Hour)
	before, _ := s.Bytes()
	sweepAll(t, s)
	if after, _ := s.Bytes(); after >= before {
		t.Errorf("the inbox was not forgotten: %v bytes, %v before", after, before)
	}
	s.stop()
	s = start(t, cfg)
	if got := put(t, s, box(1), "x"); got != 7 {
		t.Errorf("forgotten: got %v, want 7", got)
	}
}

func TestExpiry(t *testing.T) {
	clk := newClock()
	s := start(t, Config{Now: clk.now, Retention: time.Hour, MaxDepth: 2})
	put(t, s, box(1), "old")
	clk.add(40 * time.Minute)
	put(t, s, box(1), "new")
	clk.add(40 * time.Minute)
	wantPeek(t, s, box(1), 0, "new") // without a sweep
	put(t, s, box(1), "room")        // the old one makes room
	wantPeek(t, s, box(1), 0, "new", "room")
	for i := range 3000 {
		put(t, s, Inbox{Owner: rpc.Identity{7, byte(i), byte(i >> 8)}}, "x")
	}
	clk.add(2 * time.Hour)
	sweepAll(t, s)
	wantPeek(t, s, box(1), 0)
	if n, err := s.Bytes(); err != nil || n != 3001*ledger.Overhead {
		t.Errorf("got %v bytes, %v, want %v", n, err, 3001*ledger.Overhead)
	}
	clk.add(61 * 24 * time.Hour)
	sweepAll(t, s)
	if n, err := s.Bytes(); err != nil || n != 0 {
		t.Errorf("got %v bytes, %v, want 0", n, err)
	}
}

func kp(text string, notAfter time.Time, last bool) KeyPackage {
	return KeyPackage{Data: []byte(text), Fingerprint: sha256.Sum256([]byte(text)), NotAfter: notAfter, LastResort: last}
}

func TestKeyPackages(t *testing.T) {
	ctx := context.Background()
	clk := newClock()
	s := start(t, Config{Now: clk.now, MaxKeyPackages: 3})
	a := rpc.Identity{1}
	take := func(spend bool, want string, spent bool, left int) {
		t.Helper()
		h, err := s.TakeKeyPackage(ctx, a, spend)
		if err != nil || string(h.Data) != want || h.Spent != spent || h.Left != left {
			t.Errorf("got %q, spent %v, left %v, %v; want %q, %v, %v", h.Data, h.Spent, h.Left, err, want, spent, left)
		}
	}
	add := func(p KeyPackage) {
		t.Helper()
		if err := s.AddKeyPackage(ctx, a, p); err != nil {
			t.Fatal(err)
		}
	}
	later := clk.now().Add(time.Hour)
	take(true, "", false, 0)
	for _, text := range []string{"1", "2", "2", "3", "4"} {
		add(kp(text, later, false))
	}
	take(false, "", false, 3)
	add(kp("old last", later, true))
	add(kp("last", later.Add(time.Hour), true))
	take(true, "2", true, 2)
	take(false, "last", false, 2)
	take(true, "3", true, 1)
	take(true, "4", true, 0)
	take(true, "last", false, 0)
	take(true, "last", false, 0)
	add(kp("5", later, false))
	clk.add(90 * time.Minute)
	take(true, "last", false, 0) // 5 has expired
	clk.add(time.Hour)
	take(true, "", false, 0)
	add(kp("2", clk.now().Add(time.Hour), false))
	take(true, "", false, 0) // it was handed out before
	clk.add(61 * 24 * time.Hour)
	sweepAll(t, s)
	if n, err := s.Bytes(); err != nil || n != 0 {
		t.Errorf("got %v bytes, %v, want 0", n, err)
	}
}

// A restart does not forget how many packages were handed out.
func TestHandouts(t *testing.T) {
	clk := newClock()
	cfg := Config{Path: filepath.Join(t.TempDir(), "relay.db"), Now: clk.now, MaxHandouts: 2}
	s := start(t, cfg)
	for i := range byte(4) {
		if err := s.AddKeyPackage(t.Context(), rpc.Identity{1}, kp(string(i), clk.now().Add(9*time.Hour), false)); err != nil {
			t.Fatal(err)
		}
	}
	for i, want := range []bool{true, true, false, true} {
		if i == 3 {
			clk.add(2 * time.Hour)
		}
		h, err := s.TakeKeyPackage(t.Context(), rpc.Identity{1}, true)
		if err != nil || h.Spent != want || want != (len(h.Data) > 0) {
			t.Errorf("package %d: got %+v, %v", i, h, err)
		}
		s.stop()
		s = start(t, cfg)
	}
}

func TestKeyPackageBytes(t *testing.T) {
	ctx := context.Background()
	clk := newClock()
	s := start(t, Config{Now: clk.now, MaxKeyPackageBytes: 1000})
	for i := range 5 {
		p := kp(string(bytes.Repeat([]byte{byte('a' + i)}, 400)), clk.now().Add(time.Hour), false)
		if err := s.AddKeyPackage(ctx, rpc.Identity{1}, p); err != nil {
			t.Fatal(err)
		}
	}
	h, err := s.TakeKeyPackage(ctx, rpc.Identity{1}, true)
	if err != nil || h.Left != 1 || h.Data[0] != 'd' {
		t.Errorf("got %q, left %v, %v; want the last two", h.Data[:1], h.Left, err)
	}
}

func TestHybridKeysAndEndpoints(t *testing.T) {
	ctx := context.Background()
	clk := newClock()
	s := start(t, Config{Now: clk.now})
	a, b := rpc.Identity{1}, rpc.Identity{2}
	for _, blob := range []string{"x", "blob"} {
		if err := s.SetHybridKey(ctx, a, []byte(blob)); err != nil {
			t.Fatal(err)
		}
	}
	blobs, err := s.HybridKeys(ctx, []rpc.Identity{b, a})
	if err != nil || len(blobs) != 2 || blobs[0] != nil || string(blobs[1]) != "blob" {
		t.Errorf("got %q, %v", blobs, err)
	}
	expiry := clk.now().Add(time.Hour)
	for _, step := range []struct {
		seq    uint64
		record string
		want   error
	}{
		{5, "five", nil}, {5, "five", nil}, {5, "other", ErrStale}, {4, "four", ErrStale}, {6, "six", nil},
	} {
		if err := s.SetEndpoint(ctx, a, step.seq, expiry, 1, []byte(step.record)); !errors.Is(err, step.want) {
			t.Errorf("%v %v: got %v, want %v", step.seq, step.record, err, step.want)
		}
	}
	if r, err := s.Endpoint(ctx, a); err != nil || string(r) != "six" {
		t.Errorf("got %q, %v", r, err)
	}
	if r, err := s.Endpoint(ctx, b); err != nil || r != nil {
		t.Errorf("got %q, %v", r, err)
	}
	clk.add(2 * time.Hour)
	if r, err := s.Endpoint(ctx, a); err != nil || r != nil {
		t.Errorf("expired: got %q, %v", r, err)
	}
	sweepAll(t, s)
	if r, err := s.LastEndpoint(ctx, a); err != nil || string(r) != "six" {
		t.Errorf("the last one, expired: got %q, %v", r, err)
	}
	clk.add(90 * 24 * time.Hour)
	sweepAll(t, s)
	if n, err := s.Bytes(); err != nil || n != 0 {
		t.Errorf("got %v bytes, %v, want 0", n, err)
	}
}

func TestConcurrentAppend(t *testing.T) {
	const producers, each = 32, 50
	var told atomic.Int64
	s := start(t, Config{MaxDepth: producers * each, OnAppend: func(Inbox) { told.Add(1) }})
	var wg sync.WaitGroup
	var seen sync.Map
	for p := range producers {
		wg.Go(func() {
			last := uint64(0)
			for range each {
				seqs, err := s.Append(context.Background(), Depositor{}, []Inbox{box(0), box(byte(p + 1))}, []byte{byte(p)})
				if err != nil {
					t.Error(err)
					return
				}
				if _, twice := seen.LoadOrStore(seqs[0], true); twice || seqs[0] <= last {
					t.Errorf("seq %v after %v, twice: %v", seqs[0], last, twice)
				}
				last = seqs[0]
			}
		})
	}
	wg.Wait()
	if got, err := s.Peek(context.Background(), box(0), 0, 0, 1<<20); err != nil || len(got) != producers*each {
		t.Errorf("got %v payloads, %v", len(got), err)
	}
	if told.Load() == 0 {
		t.Error("nobody was told")
	}
}

// A caller that gives up before the writer came leaves nothing behind.
func TestGiveUp(t *testing.T) {
	s, err := Open(Config{Path: filepath.Join(t.TempDir(), "relay.db"), MaxPending: 4 << 10})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if _, err := s.Append(ctx, Depositor{}, []Inbox{box(1)}, []byte("gone")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	run, stop := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- s.Run(run) }()
	for range 5 { // the room is free again
		seqs, err := s.Append(context.Background(), Depositor{}, []Inbox{box(1)}, make([]byte, 3<<10))
		if err != nil {
			t.Fatal(err)
		}
		if seqs[0] > 5 {
			t.Errorf("got seq %v", seqs[0])
		}
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if _, err := s.Append(context.Background(), Depositor{}, []Inbox{box(1)}, nil); !errors.Is(err, ErrClosed) {
		t.Errorf("got %v, want %v", err, ErrClosed)
	}
}

// With the disk full, what needs room is refused, and what gives room goes on.
func TestDiskFull(t *testing.T) {
	ctx := context.Background()
	var full atomic.Bool
	s := start(t, Config{Fault: func(step string) error {
		if step == ledger.FaultBeforeCommit && full.Swap(false) {
			return &fs.PathError{Op: "write", Path: "relay.db", Err: syscall.ENOSPC}
		}
		return nil
	}})
	put(t, s, box(1), "one")
	put(t, s, box(1), "two")
	full.Store(true)
	if _, err := s.Append(ctx, Depositor{}, []Inbox{box(1)}, []byte("three")); !errors.Is(err, ErrBusy) {
		t.Errorf("append: got %v, want %v", err, ErrBusy)
	}
	if err := s.AddKeyPackage(ctx, rpc.Identity{1}, kp("x", time.Now().Add(time.Hour), false)); !errors.Is(err, ErrBusy) {
		t.Errorf("key package: got %v, want %v", err, ErrBusy)
	}
	if err := s.Ack(ctx, box(1), 1); err != nil {
		t.Errorf("ack: %v", err)
	}
	wantPeek(t, s, box(1), 0, "two")
	full.Store(true)
	if err := s.Ack(ctx, box(1), 2); !s.Full() || !errors.Is(err, ErrBusy) {
		t.Errorf("ack without a reserve: full is %v, got %v, want %v", s.Full(), err, ErrBusy)
	}
	sweepAll(t, s) // there is room again
	put(t, s, box(1), "three")
}

func TestOpenTwice(t *testing.T) {
	s := start(t, Config{})
	if _, err := Open(Config{Path: s.cfg.Path}); !errors.Is(err, ErrInUse) {
		t.Errorf("got %v, want %v", err, ErrInUse)
	}
	s.stop()
	other, err := Open(Config{Path: s.cfg.Path})
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Close(); err != nil {
		t.Error(err)
	}
	info, err := os.Stat(s.cfg.Path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got mode %v, %v", info.Mode(), err)
	}
	names, _ := filepath.Glob(filepath.Join(filepath.Dir(s.cfg.Path), "*"))
	if len(names) != 2 { // with the reserve
		t.Errorf("left behind: %v", names)
	}
}
