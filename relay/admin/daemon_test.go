package admin

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"quicnprotochat/relay"
	"quicnprotochat/relay/settings"
	"quicnprotochat/rpc"
	"quicnprotochat/transport"
)

// lockedBuffer is a log that is read while others write.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// running is a daemon and what a test needs of it.
type running struct {
	*Daemon
	chosen atomic.Pointer[settings.Config] // what Load returns
	again  chan os.Signal
	log    lockedBuffer
	stop   func() // asks it to end, and waits
}

func runDaemon(t *testing.T, chosen settings.Config) *running {
	t.Helper()
	chosen.Relay.Listen = []transport.Addr{"/ip4/127.0.0.1/udp/0/quic-v1"}
	r := &running{again: make(chan os.Signal, 1)}
	r.chosen.Store(&chosen)
	level := new(slog.LevelVar)
	var err error
	r.Daemon, err = New(Config{
		Dir: filepath.Join(t.TempDir(), "home"), Load: func() (settings.Config, error) { return *r.chosen.Load(), nil },
		Log: slog.NewTextHandler(&r.log, &slog.HandlerOptions{Level: level}), Level: level, Reload: r.again,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	r.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(r.stop)
	return r
}

// client connects somebody, and returns their identity.
func (r *running) client(t *testing.T, seed byte) (*rpc.Client, rpc.Identity) {
	t.Helper()
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
	h, err := transport.New(transport.Config{PrivateKey: key, Listen: []transport.Addr{"/ip4/127.0.0.1/udp/0/quic-v1"}})
	if err != nil {
		t.Fatal(err)
	}
	url := r.Relay().URL()
	h.Learn(url.Key, transport.SourceUser, url.Addrs())
	s, err := h.Open(t.Context(), url.Key)
	if err != nil {
		t.Fatal(err)
	}
	conn := rpc.NewConn(s, rpc.ConnConfig{})
	t.Cleanup(func() {
		_ = conn.Close()
		_ = h.Close()
	})
	return conn.Client(), rpc.Identity(key.Public().(ed25519.PublicKey))
}

// eventually waits until ok, which is asked again and again.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for range 3000 {
		if ok() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("not in half a minute: %s", what)
}

func (r *running) get(t *testing.T, path string) string {
	t.Helper()
	resp, err := http.Get("http://" + r.Metrics() + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: got %s %.200s, %v", path, resp.Status, body, err)
	}
	return string(body)
}

// What is counted, written to the audit log and logged names nobody.
func TestDaemonCounts(t *testing.T) {
	auditFile := filepath.Join(t.TempDir(), "audit")
	r := runDaemon(t, settings.Config{Metrics: "127.0.0.1:0", Audit: auditFile, Log: slog.LevelDebug})
	c, id := r.client(t, 1)
	other := rpc.Identity{9}
	for range 3 {
		if _, err := c.Enqueue(t.Context(), other, rpc.Channel{}, []byte("hello")); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.Fetch(t.Context(), other, rpc.Channel{}, 0, 0); !errors.Is(err, rpc.ErrForbidden) {
		t.Fatalf("another's mail: got %v", err)
	}
	if r.get(t, "/healthz") != "ok\n" || r.get(t, "/readyz") != "ok\n" {
		t.Error("not healthy, or not ready")
	}
	var text string
	for _, want := range []string{
		`qpc_relay_calls_total{method="enqueue"} 3`,
		`qpc_relay_refused_total{code="E003",method="fetch",reason="forbidden"} 1`,
		"qpc_relay_enqueue_seconds_count 3", "qpc_relay_commit_seconds_count ", "qpc_relay_inbox_depth_count 3",
		"qpc_relay_inbox_depth_sum 6", "qpc_relay_write_queue 0", "qpc_relay_connections 1", "qpc_relay_stored_bytes ", "go_goroutines ",
	} {
		eventually(t, want, func() bool { text = r.get(t, "/metrics"); return strings.Contains(text, want) })
	}
	r.Daemon.log.With("peer", transport.Key(id)).Info("from 192.0.2.7", "addr", "[2001:db8::1]:7000", "err", errors.New("dial "+transport.Key(id).String()+" at /ip4/192.0.2.8/udp/1"), "at", "09:14:55")
	r.stop()
	written, err := os.ReadFile(auditFile)
	if err != nil || bytes.Count(written, []byte(`"method":"enqueue","code":"","who":"`)) != 3 || !bytes.Contains(written, []byte(`"method":"fetch","code":"E003"`)) {
		t.Errorf("audit log: got %s, %v", written, err)
	}
	info, err := os.Stat(auditFile)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("audit log: got %v, %v", info, err)
	}
	for place, text := range map[string]string{"metrics": text, "audit log": string(written), "log": r.log.String()} {
		for _, name := range []string{transport.Key(id).String(), hex.EncodeToString(id[:8]), hex.EncodeToString(other[:8]), "192.0.2.", "127.0.0.1", "2001:db8"} {
			if strings.Contains(text, name) {
				t.Errorf("%s holds %s:\n%s", place, name, text)
			}
		}
	}
	if !strings.Contains(r.log.String(), "09:14:55") {
		t.Errorf("the log lost a time:\n%s", r.log.String())
	}
}

// Settings are read again: some hold at once, others are named.
func TestDaemonReload(t *testing.T) {
	auditFile := filepath.Join(t.TempDir(), "audit")
	r := runDaemon(t, settings.Config{Audit: auditFile})
	c, id := r.client(t, 1)
	if _, err := c.Enqueue(t.Context(), id, rpc.Channel{}, make([]byte, 2000)); err != nil {
		t.Fatal(err)
	}
	fresh := *r.chosen.Load()
	fresh.Relay.MaxPayload, fresh.Relay.Announce, fresh.LogAddresses = 1000, "relay.example.org", true
	r.chosen.Store(&fresh)
	if err := os.Rename(auditFile, auditFile+".1"); err != nil {
		t.Fatal(err)
	}
	r.again <- syscall.SIGHUP
	eventually(t, "reload", func() bool { return strings.Contains(r.log.String(), "need a restart") })
	log := r.log.String()
	if !strings.Contains(log, `changed="max-payload log-addresses"`) || !strings.Contains(log, "changed=announce") {
		t.Errorf("got %s", log)
	}
	if _, err := c.Enqueue(t.Context(), id, rpc.Channel{}, make([]byte, 2000)); !errors.Is(err, rpc.ErrTooLarge) {
		t.Errorf("afterwards: got %v, want %v", err, rpc.ErrTooLarge)
	}
	eventually(t, "a new audit log", func() bool { b, _ := os.ReadFile(auditFile); return bytes.Contains(b, []byte("E006")) })
	// What is wrong changes nothing.
	wrong := fresh
	wrong.Relay.MaxPayload = 1 << 40
	r.chosen.Store(&wrong)
	r.again <- syscall.SIGHUP
	eventually(t, "refusal", func() bool { return strings.Contains(r.log.String(), "those of before hold") })
	if _, err := c.Enqueue(t.Context(), id, rpc.Channel{}, make([]byte, 2000)); !errors.Is(err, rpc.ErrTooLarge) {
		t.Errorf("after a refusal: got %v", err)
	}
}

// The service manager hears of the begin, of life, and of the end; who waits for
// mail at the end is told.
func TestDaemonNotifies(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	t.Setenv("NOTIFY_SOCKET", path)
	t.Setenv("WATCHDOG_USEC", "100000")
	r := runDaemon(t, settings.Config{})
	hears := func(want string) {
		t.Helper()
		for {
			b := make([]byte, 256)
			_ = l.SetReadDeadline(time.Now().Add(30 * time.Second))
			n, err := l.Read(b)
			if err != nil {
				t.Fatalf("waiting for %s: %v", want, err)
			}
			if string(b[:n]) == want {
				return
			}
		}
	}
	hears("READY=1")
	hears("WATCHDOG=1")
	c, id := r.client(t, 1)
	waits := make(chan error, 1)
	go func() {
		_, err := c.Fetch(context.Background(), id, rpc.Channel{}, 0, time.Minute)
		waits <- err
	}()
	eventually(t, "a waiter", func() bool { st, err := r.Relay().Status(t.Context()); return err == nil && st.Waiters == 1 })
	r.stop()
	hears("STOPPING=1")
	if err := <-waits; !errors.Is(err, rpc.ErrShutdown) {
		t.Errorf("who waited: got %v, want %v", err, rpc.ErrShutdown)
	}
}

func TestMetricsStayHome(t *testing.T) {
	for addr, want := range map[string]error{
		"0.0.0.0:0": relay.ErrConfig, "[::]:0": relay.ErrConfig, "192.0.2.1:9700": relay.ErrConfig, "localhost:1": relay.ErrConfig, "9700": relay.ErrConfig,
	} {
		c := settings.Config{Metrics: addr}
		c.Relay.Listen = []transport.Addr{"/ip4/127.0.0.1/udp/0/quic-v1"}
		_, err := New(Config{
			Dir: filepath.Join(t.TempDir(), "home"), Load: func() (settings.Config, error) { return c, nil },
			Log: slog.DiscardHandler, Level: new(slog.LevelVar),
		})
		if !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", addr, err, want)
		}
	}
	r := runDaemon(t, settings.Config{Metrics: "0.0.0.0:0", MetricsPublic: true})
	if r.Metrics() == "" {
		t.Error("allowed, and not served")
	}
}
