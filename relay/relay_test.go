package relay

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"quicnprotochat/rpc"
	"quicnprotochat/transport"
	"quicnprotochat/transport/address"
)

const loopback = "/ip4/127.0.0.1/udp/0/quic-v1"

// run makes a relay on the loopback and runs it; stop ends it.
func run(t *testing.T, cfg Config) (r *Relay, stop func()) {
	t.Helper()
	if len(cfg.Listen) == 0 {
		cfg.Listen = []transport.Addr{loopback}
	}
	r, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	return r, func() {
		t.Helper()
		start := time.Now()
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
		if d := time.Since(start); d > 3*time.Second {
			t.Errorf("took %v to end", d)
		}
	}
}

// client connects somebody to a relay.
func (p person) client(t *testing.T, url transport.RelayURL) (c *rpc.Client, stop func()) {
	t.Helper()
	h, err := transport.New(transport.Config{PrivateKey: p.key, Listen: []transport.Addr{loopback}})
	if err != nil {
		t.Fatal(err)
	}
	h.Learn(url.Key, transport.SourceUser, url.Addrs())
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	s, err := h.Open(ctx, url.Key)
	if err != nil {
		t.Fatal(err)
	}
	conn := rpc.NewConn(s, rpc.ConnConfig{})
	return conn.Client(), func() {
		if err := errors.Join(conn.Close(), h.Close()); err != nil {
			t.Error(err)
		}
	}
}

// Two people and a relay, over real sockets; the relay is restarted in between.
func TestEndToEnd(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	dir := t.TempDir()
	r, stop := run(t, Config{Dir: dir})
	url := r.URL()
	if url.Host != "127.0.0.1" || len(r.Addrs()) != 2 || !strings.HasSuffix(r.Addrs()[0], "/quic-v1/p2p/"+url.Key.String()) {
		t.Errorf("got %v, %v", url, r.Addrs())
	}
	a, b := newPerson(1), newPerson(2)
	ac, aStop := a.client(t, url)
	if status, err := ac.Health(ctx); err != nil || status != "ok" {
		t.Errorf("health: got %q, %v", status, err)
	}
	if seq, err := ac.Enqueue(ctx, b.id, rpc.Channel{}, []byte("hello")); err != nil || seq != 1 {
		t.Fatalf("got %v, %v", seq, err)
	}
	_, err := ac.Fetch(ctx, b.id, rpc.Channel{}, 0, 0)
	wantCode(t, "another's mail", err, rpc.ErrForbidden)
	if ch, err := ac.CreateChannel(ctx, b.id); err != nil || ch == (rpc.Channel{}) {
		t.Errorf("channel: got %x, %v", ch, err)
	}
	record := a.endpoint(t, uint64(time.Now().UnixMilli()), time.Now().Add(time.Hour))
	if err := ac.PublishEndpoint(ctx, a.id, record); err != nil {
		t.Error(err)
	}
	kp := makeKeyPackage(1, a.id, time.Now(), time.Now().Add(time.Hour), false, []byte("one"))
	if _, err := ac.UploadKeyPackage(ctx, a.id, kp); err != nil {
		t.Error(err)
	}
	aStop()
	stop()

	r, stop = run(t, Config{Dir: dir})
	defer stop()
	if r.URL() != url {
		t.Errorf("after a restart: got %v, want %v", r.URL(), url)
	}
	bc, bStop := b.client(t, url)
	defer bStop()
	list, err := bc.Peek(ctx, b.id, rpc.Channel{}, 0, 0, 0)
	if err != nil || len(list) != 1 || string(list[0].Data) != "hello" {
		t.Fatalf("got %v, %v", list, err)
	}
	if err := bc.Ack(ctx, b.id, rpc.Channel{}, 1); err != nil {
		t.Error(err)
	}
	if got, err := bc.ResolveEndpoint(ctx, a.id); err != nil || !bytes.Equal(got, record) {
		t.Errorf("endpoint: got %x, %v", got, err)
	}
	if got, err := bc.FetchKeyPackage(ctx, a.id); err != nil || !bytes.Equal(got, kp) {
		t.Errorf("key package: got %x, %v", got, err)
	}
	if got, err := bc.FetchKeyPackage(ctx, a.id); err != nil || len(got) != 0 {
		t.Errorf("key package again: got %x, %v", got, err)
	}
	wait := make(chan error, 1)
	go func() {
		list, err := bc.Peek(ctx, b.id, rpc.Channel{}, 1, 0, 30*time.Second)
		if err == nil && (len(list) != 1 || list[0].Seq != 2) {
			err = fmt.Errorf("got %v", list)
		}
		wait <- err
	}()
	waitFor(t, func() bool { return r.service.waiters.count(b.id) == 1 })
	ac, aStop = a.client(t, url)
	defer aStop()
	if _, err := ac.Enqueue(ctx, b.id, rpc.Channel{}, []byte("there?")); err != nil {
		t.Error(err)
	}
	if err := <-wait; err != nil {
		t.Errorf("wait: %v", err)
	}
}

// A relay that ends answers who waits for mail.
func TestShutdownAnswers(t *testing.T) {
	r, stop := run(t, Config{Dir: t.TempDir()})
	a := newPerson(1)
	c, cStop := a.client(t, r.URL())
	defer cStop()
	got := make(chan error, 1)
	go func() {
		_, err := c.Fetch(context.Background(), a.id, rpc.Channel{}, 0, time.Minute)
		got <- err
	}()
	waitFor(t, func() bool { return r.service.waiters.count(a.id) == 1 })
	stop()
	wantCode(t, "waiting", <-got, rpc.ErrShutdown)
}

func TestHome(t *testing.T) {
	listen := []transport.Addr{loopback}
	write := func(dir, name string, size int) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		what string
		home func(dir string)
		want error
	}{
		{"home of a node", func(dir string) { write(dir, "node.db", 1) }, ErrKind},
		{"empty store", func(dir string) { write(dir, KeyFile, 32); write(dir, StoreFile, 0) }, ErrDamaged},
		{"store of noise", func(dir string) { write(dir, KeyFile, 32); write(dir, StoreFile, 100_000) }, ErrDamaged},
		{"key that is no file", func(dir string) { mkdir(t, dir, KeyFile) }, ErrDamaged},
		{"port that is no file", func(dir string) { mkdir(t, dir, PortFile) }, ErrDamaged},
		{"long key", func(dir string) { write(dir, KeyFile, 100_000) }, ErrDamaged},
		{"short key", func(dir string) { write(dir, KeyFile, 31) }, ErrDamaged},
		{"store without key", func(dir string) { write(dir, StoreFile, 100_000) }, ErrDamaged},
		{"bad port", func(dir string) { write(dir, PortFile, 3) }, ErrDamaged},
	} {
		dir := t.TempDir()
		tt.home(dir)
		if _, err := New(Config{Dir: dir, Listen: listen}); !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.what, err, tt.want)
		}
	}

	dir := filepath.Join(t.TempDir(), "new", "home")
	r, stop := run(t, Config{Dir: dir})
	if _, err := New(Config{Dir: dir, Listen: listen}); !errors.Is(err, ErrInUse) {
		t.Errorf("second relay: got %v, want %v", err, ErrInUse)
	}
	if key, err := Init(dir); err != nil || key != r.URL().Key {
		t.Errorf("make what is there and runs: got %v, %v", key, err)
	}
	seed, err := os.ReadFile(filepath.Join(dir, KeyFile))
	if err != nil || transport.KeyOf(ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey)) != r.URL().Key {
		t.Errorf("key file: %v", err)
	}
	for name, want := range map[string]os.FileMode{"": 0o700, KeyFile: 0o600, StoreFile: 0o600, PortFile: 0o600} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != want {
			t.Errorf("%q: got %v, %v, want %v", name, info.Mode(), err, want)
		}
	}
	stop()
}

// TestSetLimits: limits that are set while the relay runs hold from then on.
func TestSetLimits(t *testing.T) {
	r, stop := run(t, Config{Dir: t.TempDir()})
	defer stop()
	a := newPerson(1)
	c, cStop := a.client(t, r.URL())
	defer cStop()
	busy := func() bool {
		for range 100 { // ten may come at once
			if _, err := c.Peek(t.Context(), a.id, rpc.Channel{}, 0, 0, 0); err != nil {
				wantCode(t, "too many calls", err, rpc.ErrBusy)
				return true
			}
		}
		return false
	}
	if busy() {
		t.Error("busy with the limits of before")
	}
	if err := r.SetLimits(Config{CallRate: 1}); err != nil {
		t.Fatal(err)
	}
	if !busy() {
		t.Error("never busy with one call a second")
	}
	if err := r.SetLimits(Config{MaxPayload: rpc.MaxPayload + 1}); !errors.Is(err, ErrConfig) {
		t.Errorf("limits that cannot be: got %v", err)
	}
}

// TestSweepForgets: what is counted of callers goes with what has expired.
func TestSweepForgets(t *testing.T) {
	clk := &testClock{}
	clk.ms.Store(time.Now().UnixMilli())
	r, stop := run(t, Config{Dir: t.TempDir(), Now: clk.now, SweepEvery: time.Millisecond})
	defer stop()
	h := r.service.handouts
	h.reserve(newPerson(1).id, newPerson(2).id)
	remembered := func() int {
		h.mu.Lock()
		defer h.mu.Unlock()
		return len(h.targets)
	}
	if remembered() != 1 {
		t.Error("forgotten at once")
	}
	clk.add(handoutWindow)
	waitFor(t, func() bool { return remembered() == 0 })
}

func TestPortTaken(t *testing.T) {
	taken, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	addr, err := address.AddrFor("127.0.0.1", uint16(taken.LocalAddr().(*net.UDPAddr).Port))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if _, err := New(Config{Dir: dir, Listen: []transport.Addr{addr}}); !errors.Is(err, transport.ErrListen) {
		t.Errorf("got %v, want %v", err, transport.ErrListen)
	}
	_, stop := run(t, Config{Dir: dir}) // nothing is left of the first
	stop()
}

func TestConfig(t *testing.T) {
	for what, cfg := range map[string]Config{
		"no directory": {},
		"access":       {Dir: t.TempDir(), Access: "closed"},
		"payload":      {Dir: t.TempDir(), MaxPayload: rpc.MaxPayload + 1},
		"announce":     {Dir: t.TempDir(), Announce: "0.0.0.0"},
	} {
		cfg.Listen = []transport.Addr{loopback}
		if _, err := New(cfg); err == nil {
			t.Errorf("%s: taken", what)
		}
	}
	r, err := New(Config{Dir: t.TempDir(), Listen: []transport.Addr{loopback}, Announce: "Relay.Example.org"})
	if err != nil {
		t.Fatal(err)
	}
	if r.URL().Host != "relay.example.org" {
		t.Errorf("got %v", r.URL())
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

// mkdir makes a directory where a file should be.
func mkdir(t *testing.T, dir, name string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(dir, name), 0o700); err != nil {
		t.Fatal(err)
	}
}
