package relay

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"quicnprotochat/relay/store"
	"quicnprotochat/rpc"
	"quicnprotochat/rpc/account"
	"quicnprotochat/transport"
	"quicnprotochat/transport/endpoint"
)

// testClock is an injected time.
type testClock struct{ ms atomic.Int64 }

func (c *testClock) now() time.Time      { return time.UnixMilli(c.ms.Load()) }
func (c *testClock) add(d time.Duration) { c.ms.Add(d.Milliseconds()) }

// newTestService is a service over a real store, without a network.
func newTestService(t testing.TB, cfg Config) (*service, *testClock) {
	t.Helper()
	clk := &testClock{}
	clk.ms.Store(time.Date(2026, 1, 3, 0, 0, 0, 0, time.UTC).UnixMilli())
	cfg.Dir, cfg.Now = t.TempDir(), clk.now
	cfg, err := cfg.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	w := newWaiters()
	s, err := store.Open(cfg.storeConfig(filepath.Join(cfg.Dir, StoreFile), w))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := errors.Join(<-done, s.Close()); err != nil {
			t.Error(err)
		}
	})
	server, err := account.NewServer(account.NewServerKeys())
	if err != nil {
		t.Fatal(err)
	}
	return newService(cfg, s, w, testRelay, server), clk
}

// testRelay is the key of the relay that a test service belongs to.
var testRelay = newPerson(1 << 20).id

// person is somebody with a key.
type person struct {
	id  rpc.Identity
	key ed25519.PrivateKey
}

func newPerson(n int) person {
	seed := sha256.Sum256([]byte(fmt.Sprint(n)))
	key := ed25519.NewKeyFromSeed(seed[:])
	return person{rpc.Identity(key.Public().(ed25519.PublicKey)), key}
}

func (p person) caller() rpc.Caller {
	return rpc.Caller{Kind: rpc.TokenTLS, Identity: p.id, Proven: true}
}

func (p person) sign(domain string, msg []byte) []byte {
	return ed25519.Sign(p.key, append([]byte(domain), msg...))
}

func (p person) endpoint(t testing.TB, seq uint64, expiry time.Time) []byte {
	t.Helper()
	e := endpoint.Record{Identity: transport.Key(p.id), Seq: seq, Expiry: expiry}
	b, err := e.Encode([]transport.Addr{"/ip4/1.2.3.4/udp/5/quic-v1"}, [32]byte{1}, p.sign)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func wantCode(t testing.TB, what string, err error, want *rpc.Error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: got %v, want %v", what, err, want)
	}
}

func TestRefusals(t *testing.T) {
	ctx := context.Background()
	s, clk := newTestService(t, Config{MaxDepth: 2, MaxPayload: 1000})
	a, b := newPerson(1), newPerson(2)
	var none rpc.Channel
	stranger := rpc.Caller{Kind: rpc.TokenSession, Identity: a.id} // an account without a key
	pass := a.caller()
	pass.Kind, pass.Pass = rpc.TokenPass, []byte("pass")
	package1 := func(suite uint16, owner rpc.Identity, from, to time.Duration) []byte {
		return makeKeyPackage(suite, owner, clk.now().Add(from), clk.now().Add(to), false, []byte{1})
	}
	hour, day := time.Hour, 24*time.Hour
	enqueue := func(c rpc.Caller, to person, ch rpc.Channel, n int) error {
		_, err := s.Enqueue(ctx, c, to.id, ch, make([]byte, n))
		return err
	}
	batch := func(to []rpc.Identity, n int) error {
		_, err := s.BatchEnqueue(ctx, a.caller(), to, none, make([]byte, n))
		return err
	}
	fetch := func(c rpc.Caller, owner person) error {
		_, err := s.Fetch(ctx, c, owner.id, none, 0, 0)
		return err
	}
	upload := func(c rpc.Caller, owner person, p []byte) error {
		_, err := s.UploadKeyPackage(ctx, c, owner.id, p)
		return err
	}
	for _, p := range []person{a, newPerson(3)} {
		if err := enqueue(p.caller(), b, none, 1); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.PublishEndpoint(ctx, b.caller(), b.id, b.endpoint(t, 5, clk.now().Add(hour))); err != nil {
		t.Fatal(err)
	}
	publish := func(c rpc.Caller, owner person, record []byte) error {
		return s.PublishEndpoint(ctx, c, owner.id, record)
	}
	_, peekErr := s.Peek(ctx, a.caller(), b.id, none, 0, 0, time.Hour)
	_, fetchPackageErr := s.FetchKeyPackage(ctx, stranger, b.id)
	_, fetchHybridErr := s.FetchHybridKeys(ctx, stranger, []rpc.Identity{b.id})
	_, manyHybridErr := s.FetchHybridKeys(ctx, a.caller(), make([]rpc.Identity, 1001))
	_, resolveErr := s.ResolveEndpoint(ctx, stranger, b.id)
	tampered := b.endpoint(t, 6, clk.now().Add(hour))
	tampered[50] ^= 1
	for _, tt := range []struct {
		what string
		err  error
		want *rpc.Error
	}{
		{"enqueue unproven", enqueue(stranger, b, none, 1), rpc.ErrUnauthenticated},
		{"enqueue with a pass", enqueue(pass, b, none, 1), rpc.ErrUnauthenticated},
		{"enqueue over the cap", enqueue(a.caller(), b, none, 1001), rpc.ErrTooLarge},
		{"enqueue nothing", enqueue(a.caller(), b, none, 0), rpc.ErrBadRequest},
		{"enqueue on no channel", enqueue(a.caller(), b, rpc.Channel{1}, 1), rpc.ErrChannel},
		{"enqueue to a full inbox", enqueue(a.caller(), b, none, 1), rpc.ErrQueueFull},
		{"batch with full inboxes alone", batch([]rpc.Identity{b.id, b.id}, 1), rpc.ErrQueueFull},
		{"batch to nobody", batch(nil, 1), rpc.ErrBadRequest},
		{"batch to too many", batch(make([]rpc.Identity, 1001), 1), rpc.ErrBadRequest},
		{"fetch unproven", fetch(stranger, a), rpc.ErrUnauthenticated},
		{"fetch another's", fetch(a.caller(), b), rpc.ErrForbidden},
		{"peek another's", peekErr, rpc.ErrForbidden},
		{"ack another's", s.Ack(ctx, a.caller(), b.id, none, 9), rpc.ErrForbidden},
		{"upload another's", upload(a.caller(), b, package1(1, b.id, -hour, hour)), rpc.ErrForbidden},
		{"upload another's as one's own", upload(a.caller(), a, package1(1, b.id, -hour, hour)), rpc.ErrKeyPackage},
		{"suite 4", upload(a.caller(), a, package1(4, a.id, -hour, hour)), rpc.ErrSuite},
		{"suite 4 and no more", upload(a.caller(), a, []byte{0, 1, 0, 4}), rpc.ErrSuite},
		{"suite 1 and no more", upload(a.caller(), a, []byte{0, 1, 0, 1}), rpc.ErrKeyPackage},
		{"version 2", upload(a.caller(), a, []byte{0, 2, 0, 1}), rpc.ErrKeyPackage},
		{"empty package", upload(a.caller(), a, nil), rpc.ErrKeyPackage},
		{"package of 1 MB", upload(a.caller(), a, make([]byte, 1<<20)), rpc.ErrKeyPackage},
		{"expired package", upload(a.caller(), a, package1(1, a.id, -9*day, -day)), rpc.ErrKeyPackage},
		{"package of the future", upload(a.caller(), a, package1(1, a.id, 2*day, 9*day)), rpc.ErrKeyPackage},
		{"fetch package unproven", fetchPackageErr, rpc.ErrUnauthenticated},
		{"another's hybrid key", s.UploadHybridKey(ctx, a.caller(), b.id, []byte{1}), rpc.ErrForbidden},
		{"empty hybrid key", s.UploadHybridKey(ctx, a.caller(), a.id, nil), rpc.ErrHybridKey},
		{"large hybrid key", s.UploadHybridKey(ctx, a.caller(), a.id, make([]byte, maxHybridKey+1)), rpc.ErrHybridKey},
		{"fetch hybrid key unproven", fetchHybridErr, rpc.ErrUnauthenticated},
		{"too many hybrid keys", manyHybridErr, rpc.ErrBadRequest},
		{"publish for another", publish(a.caller(), b, b.endpoint(t, 9, clk.now().Add(hour))), rpc.ErrForbidden},
		{"publish another's as one's own", publish(a.caller(), a, b.endpoint(t, 9, clk.now().Add(hour))), rpc.ErrEndpoint},
		{"tampered endpoint", publish(b.caller(), b, tampered), rpc.ErrEndpoint},
		{"expired endpoint", publish(b.caller(), b, b.endpoint(t, 9, clk.now())), rpc.ErrEndpoint},
		{"endpoint for two days", publish(b.caller(), b, b.endpoint(t, 9, clk.now().Add(2*day))), rpc.ErrEndpoint},
		{"older endpoint", publish(b.caller(), b, b.endpoint(t, 4, clk.now().Add(hour))), rpc.ErrEndpoint},
		{"other endpoint of the same seq", publish(b.caller(), b, b.endpoint(t, 5, clk.now().Add(2*hour))), rpc.ErrEndpoint},
		{"large endpoint", publish(b.caller(), b, make([]byte, endpoint.MaxSize+1)), rpc.ErrEndpoint},
		{"resolve unproven", resolveErr, rpc.ErrUnauthenticated},
	} {
		wantCode(t, tt.what, tt.err, tt.want)
	}
}

func TestMailbox(t *testing.T) {
	ctx := context.Background()
	s, clk := newTestService(t, Config{})
	a, b := newPerson(1), newPerson(2)
	var none rpc.Channel
	for _, text := range []string{"one", "two"} {
		if _, err := s.Enqueue(ctx, a.caller(), b.id, none, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	seqs, err := s.BatchEnqueue(ctx, a.caller(), []rpc.Identity{a.id, b.id}, none, []byte("three"))
	if err != nil || len(seqs) != 2 || seqs[0] != 1 || seqs[1] != 3 {
		t.Fatalf("got %v, %v", seqs, err)
	}
	list, err := s.Peek(ctx, b.caller(), b.id, none, 1, 1, 0)
	if err != nil || len(list) != 1 || string(list[0].Data) != "two" {
		t.Errorf("got %v, %v", list, err)
	}
	if err := s.Ack(ctx, b.caller(), b.id, none, 2); err != nil {
		t.Fatal(err)
	}
	list, err = s.Fetch(ctx, b.caller(), b.id, none, 0, time.Minute)
	if err != nil || len(list) != 1 || string(list[0].Data) != "three" {
		t.Errorf("got %v, %v", list, err)
	}
	clk.add(8 * 24 * time.Hour)
	if list, err := s.Peek(ctx, a.caller(), a.id, none, 0, 0, 0); err != nil || len(list) != 0 {
		t.Errorf("after its retention: got %v, %v", list, err)
	}
	if status, err := s.Health(ctx); err != nil || status != "ok" {
		t.Errorf("health: got %q, %v", status, err)
	}
}

// What is drained fits into one answer: the rest stays.
// A batch leaves out the inboxes that refuse it, and says so by 0.
func TestBatch(t *testing.T) {
	ctx := context.Background()
	s, _ := newTestService(t, Config{MaxDepth: 8})
	a, b, c, d := newPerson(1), newPerson(2), newPerson(3), newPerson(4)
	var none rpc.Channel
	for range 2 {
		if _, err := s.Enqueue(ctx, a.caller(), c.id, none, []byte{1}); err != nil {
			t.Fatal(err)
		}
	}
	_, err := s.Enqueue(ctx, a.caller(), c.id, none, []byte{1})
	wantCode(t, "more than a share", err, rpc.ErrQueueFull)
	seqs, err := s.BatchEnqueue(ctx, a.caller(), []rpc.Identity{b.id, c.id, d.id}, none, make([]byte, rpc.MaxPayload))
	if err != nil || !slices.Equal(seqs, []uint64{1, 0, 1}) {
		t.Errorf("got %v, %v", seqs, err)
	}
	seqs, err = s.BatchEnqueue(ctx, d.caller(), []rpc.Identity{c.id, c.id}, none, []byte{1})
	if err != nil || !slices.Equal(seqs, []uint64{3, 4}) {
		t.Errorf("another depositor: got %v, %v", seqs, err)
	}
}

func TestFetchFitsAnswer(t *testing.T) {
	ctx := context.Background()
	s, _ := newTestService(t, Config{})
	a := newPerson(1)
	for range 2 {
		if _, err := s.Enqueue(ctx, a.caller(), a.id, rpc.Channel{}, make([]byte, rpc.MaxPayload)); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		list, err := s.Fetch(ctx, a.caller(), a.id, rpc.Channel{}, 0, 0)
		if err != nil || len(list) != 1 || len(list[0].Data) != rpc.MaxPayload {
			t.Errorf("got %d envelopes, %v; want one", len(list), err)
		}
	}
}

func TestWait(t *testing.T) {
	ctx := context.Background()
	s, _ := newTestService(t, Config{MaxWaiters: 3})
	a, b := newPerson(1), newPerson(2)
	var none rpc.Channel
	start := time.Now()
	if list, err := s.Peek(ctx, b.caller(), b.id, none, 0, 0, 30*time.Millisecond); err != nil || len(list) != 0 {
		t.Errorf("got %v, %v", list, err)
	}
	if d := time.Since(start); d < 30*time.Millisecond {
		t.Errorf("waited %v", d)
	}
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			list, err := s.Peek(ctx, b.caller(), b.id, none, 0, 0, time.Minute)
			if err != nil || len(list) != 1 || string(list[0].Data) != "hello" {
				t.Errorf("got %v, %v", list, err)
			}
		})
	}
	wg.Go(func() { // waits behind what is there already
		list, err := s.Peek(ctx, b.caller(), b.id, none, 1, 0, time.Minute)
		if err != nil || len(list) != 1 || string(list[0].Data) != "again" {
			t.Errorf("got %v, %v", list, err)
		}
	})
	waitFor(t, func() bool { return s.waiters.count(b.id) == 3 })
	_, err := s.Fetch(ctx, b.caller(), b.id, none, 0, time.Minute)
	wantCode(t, "one waiter too many", err, rpc.ErrBusy)
	// The second payload comes when the first is read, or both would be in one answer.
	for _, put := range []struct {
		text string
		left int
	}{{"hello", 1}, {"again", 0}} {
		if _, err := s.Enqueue(ctx, a.caller(), b.id, none, []byte(put.text)); err != nil {
			t.Fatal(err)
		}
		waitFor(t, func() bool { return s.waiters.count(b.id) == put.left })
	}
	wg.Wait()
	if n := s.waiters.count(b.id); n != 0 {
		t.Errorf("%d waiters left", n)
	}
	given, cancel := context.WithCancel(ctx)
	wg.Go(func() {
		if _, err := s.Fetch(given, a.caller(), a.id, none, 0, time.Minute); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
	waitFor(t, func() bool { return s.waiters.count(a.id) == 1 })
	cancel()
	wg.Wait()
}

// No payload is missed between the look and the wait.
func TestWaitMissesNothing(t *testing.T) {
	ctx := context.Background()
	s, _ := newTestService(t, Config{})
	a, b := newPerson(1), newPerson(2)
	const n = 300
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := range n {
			if _, err := s.Enqueue(ctx, a.caller(), b.id, rpc.Channel{}, fmt.Append(nil, i)); err != nil {
				t.Error(err)
			}
		}
	})
	for got := 0; got < n; {
		list, err := s.Fetch(ctx, b.caller(), b.id, rpc.Channel{}, 1, 10*time.Second)
		if err != nil || len(list) != 1 {
			t.Fatalf("after %d: got %v, %v", got, list, err)
		}
		if want := fmt.Sprint(got); string(list[0].Data) != want {
			t.Fatalf("got %s, want %s", list[0].Data, want)
		}
		got++
	}
	wg.Wait()
}

func waitFor(t testing.TB, ok func() bool) {
	t.Helper()
	for range 5000 {
		if ok() {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatal("it never came")
}

func (w *waiters) count(id rpc.Identity) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.owners[id]
}

func TestKeyPackages(t *testing.T) {
	ctx := context.Background()
	s, clk := newTestService(t, Config{})
	owner := newPerson(0)
	for i := range 60 {
		p := makeKeyPackage(0x4f, owner.id, clk.now(), clk.now().Add(24*time.Hour), false, fmt.Append(nil, i))
		sum, err := s.UploadKeyPackage(ctx, owner.caller(), owner.id, p)
		if err != nil || sum != sha256.Sum256(p) {
			t.Fatalf("got %x, %v", sum, err)
		}
	}
	seen := map[string]bool{}
	take := func(who int) (bool, error) {
		p, err := s.FetchKeyPackage(ctx, newPerson(who).caller(), owner.id)
		again := seen[string(p)]
		seen[string(p)] = true
		return len(p) > 0 && !again, err
	}
	for who := 1; who <= 10; who++ {
		for range 3 {
			if fresh, err := take(who); !fresh || err != nil {
				t.Fatalf("caller %d: fresh %v, %v", who, fresh, err)
			}
		}
		_, err := take(who)
		wantCode(t, "a fourth for one caller", err, rpc.ErrBusy)
	}
	_, err := take(11)
	wantCode(t, "a 31st of one target", err, rpc.ErrBusy)
	last := makeKeyPackage(1, owner.id, clk.now(), clk.now().Add(24*time.Hour), true, []byte("last"))
	if _, err := s.UploadKeyPackage(ctx, owner.caller(), owner.id, last); err != nil {
		t.Fatal(err)
	}
	if p, err := s.FetchKeyPackage(ctx, newPerson(1).caller(), owner.id); err != nil || !bytes.Equal(p, last) {
		t.Errorf("over the limit: got %d bytes, %v; want the last-resort package", len(p), err)
	}
	seen[string(last)] = true
	clk.add(61 * time.Minute)
	for who := 1; who <= 7; who++ { // 20 are left of the newest 50
		for i := range 3 {
			if fresh, err := take(who); err != nil || fresh != (3*(who-1)+i < 20) {
				t.Errorf("caller %d, %d: fresh %v, %v", who, i, fresh, err)
			}
		}
	}
	clk.add(50 * time.Hour)
	if p, err := s.FetchKeyPackage(ctx, newPerson(1).caller(), owner.id); err != nil || len(p) != 0 {
		t.Errorf("expired: got %d bytes, %v", len(p), err)
	}
}

// The package that mls makes is taken, in its lifetime.
func TestRealKeyPackage(t *testing.T) {
	ctx := context.Background()
	s, _ := newTestService(t, Config{})
	key := ed25519.NewKeyFromSeed(make([]byte, 32))
	owner := person{rpc.Identity(key.Public().(ed25519.PublicKey)), key}
	one, last := fixture(t, "keypackage.hex"), fixture(t, "lastresort.hex")
	for _, p := range [][]byte{one, last} {
		if _, err := s.UploadKeyPackage(ctx, owner.caller(), owner.id, p); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range [][]byte{one, last, last} {
		if got, err := s.FetchKeyPackage(ctx, newPerson(1).caller(), owner.id); err != nil || !bytes.Equal(got, want) {
			t.Errorf("got %x, %v", got, err)
		}
	}
}

func TestHandoutsAreBounded(t *testing.T) {
	clk := &testClock{}
	h := newHandouts(clk.now, handoutsByCaller)
	caller := newPerson(1).id
	target := func(i int) rpc.Identity { return rpc.Identity{byte(i), byte(i >> 8), byte(i >> 16)} }
	for i := range maxHandoutTargets {
		if !h.reserve(caller, target(i)) {
			t.Fatal(i)
		}
	}
	if h.reserve(caller, target(maxHandoutTargets)) {
		t.Error("one target too many")
	}
	h.release(caller, target(0))
	if !h.reserve(caller, target(maxHandoutTargets)) {
		t.Error("no room after a release")
	}
	clk.add(handoutWindow)
	if !h.reserve(caller, target(maxHandoutTargets+1)) || len(h.targets) != 1 {
		t.Errorf("after the window: %d targets", len(h.targets))
	}
}

func TestHybridKeysAndEndpoints(t *testing.T) {
	ctx := context.Background()
	s, clk := newTestService(t, Config{})
	a, b := newPerson(1), newPerson(2)
	if err := s.UploadHybridKey(ctx, a.caller(), a.id, []byte("blob")); err != nil {
		t.Fatal(err)
	}
	blobs, err := s.FetchHybridKeys(ctx, b.caller(), []rpc.Identity{b.id, a.id})
	if err != nil || len(blobs) != 2 || len(blobs[0]) != 0 || string(blobs[1]) != "blob" {
		t.Errorf("got %q, %v", blobs, err)
	}
	record := a.endpoint(t, 5, clk.now().Add(time.Hour))
	for range 2 { // the same again is taken
		if err := s.PublishEndpoint(ctx, a.caller(), a.id, record); err != nil {
			t.Error(err)
		}
	}
	newer := a.endpoint(t, 6, clk.now().Add(time.Hour))
	if err := s.PublishEndpoint(ctx, a.caller(), a.id, newer); err != nil {
		t.Error(err)
	}
	if got, err := s.ResolveEndpoint(ctx, b.caller(), a.id); err != nil || !bytes.Equal(got, newer) {
		t.Errorf("got %x, %v", got, err)
	}
	if got, err := s.ResolveEndpoint(ctx, b.caller(), b.id); err != nil || len(got) != 0 {
		t.Errorf("got %x, %v", got, err)
	}
	clk.add(2 * time.Hour)
	if got, err := s.ResolveEndpoint(ctx, b.caller(), a.id); err != nil || len(got) != 0 {
		t.Errorf("expired: got %x, %v", got, err)
	}
}

func TestCallsAreBounded(t *testing.T) {
	s, _ := newTestService(t, Config{MaxCalls: 2})
	a, b := newPerson(1), newPerson(2)
	var leaves []func()
	for range 2 {
		leave, err := s.enter(a.caller())
		if err != nil {
			t.Fatal(err)
		}
		leaves = append(leaves, leave)
	}
	_, err := s.enter(a.caller())
	wantCode(t, "a third call", err, rpc.ErrBusy)
	if _, err := s.enterOwner(b.caller(), b.id); err != nil {
		t.Errorf("somebody else: %v", err)
	}
	leaves[0]()
	if _, err := s.enter(a.caller()); err != nil {
		t.Errorf("after one has left: %v", err)
	}
}

func TestStop(t *testing.T) {
	ctx := context.Background()
	s, _ := newTestService(t, Config{})
	a := newPerson(1)
	var wg sync.WaitGroup
	wg.Go(func() {
		_, err := s.Fetch(ctx, a.caller(), a.id, rpc.Channel{}, 0, time.Minute)
		wantCode(t, "waiting", err, rpc.ErrShutdown)
	})
	waitFor(t, func() bool { return s.waiters.count(a.id) == 1 })
	leave, err := s.enter(a.caller())
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.stop(time.Minute)
	}()
	wg.Wait()
	select {
	case <-ended:
		t.Error("stopped with a call under way")
	case <-time.After(50 * time.Millisecond):
	}
	leave()
	<-ended
	_, err = s.Enqueue(ctx, a.caller(), a.id, rpc.Channel{}, []byte("late"))
	wantCode(t, "afterwards", err, rpc.ErrShutdown)
}
