package admin

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"quicnprotochat/relay"
	"quicnprotochat/relay/store"
	"quicnprotochat/transport"
)

// newHome makes the home of a relay.
func newHome(t *testing.T) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "home")
	if _, err := relay.Init(dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

// runHome runs the relay of a home, with its socket, until the test ends.
func runHome(t *testing.T, dir string) {
	t.Helper()
	r, err := relay.New(relay.Config{Dir: dir, Listen: []transport.Addr{"/ip4/127.0.0.1/udp/0/quic-v1"}})
	if err != nil {
		t.Fatal(err)
	}
	s, err := Listen(r, dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 2)
	go func() { done <- r.Run(ctx) }()
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := errors.Join(<-done, <-done); err != nil {
			t.Error(err)
		}
	})
}

func openHome(t *testing.T, dir string) *Operator {
	t.Helper()
	o, err := Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.Close)
	return o
}

func backupOf(t *testing.T, o *Operator) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "backup")
	size, err := o.Backup(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil || int64(len(data)) != size {
		t.Fatalf("got %d bytes of %d, %v", len(data), size, err)
	}
	return data
}

func TestBackupReadBack(t *testing.T) {
	dir := newHome(t)
	stopped := backupOf(t, openHome(t, dir))
	runHome(t, dir)
	running := openHome(t, dir)
	if !running.running {
		t.Fatal("the relay does not answer")
	}
	whole := backupOf(t, running)
	for name, data := range map[string][]byte{"stopped": stopped, "running": whole} {
		b, err := readBackup(t.Context(), bytes.NewReader(data))
		if err != nil || len(b.small[relay.KeyFile]) != 32 {
			t.Errorf("%s: got %v, %v", name, b, err)
		}
	}
	// Whatever is missing or changed is noticed, but for the blocks of zeros at the end.
	for n := 0; n < len(whole)-1024-512; n += 1 + len(whole)/40 {
		if _, err := readBackup(t.Context(), bytes.NewReader(whole[:n])); !errors.Is(err, ErrBackup) {
			t.Errorf("cut at %d of %d: got %v", n, len(whole), err)
		}
	}
	// Every 64 bytes in the heads and small files, and in all that is not zero.
	for at := 0; at < len(whole); at += 64 {
		changed := bytes.Clone(whole)
		if changed[at] ^= 1; whole[at] == 0 {
			continue
		}
		if _, err := readBackup(t.Context(), bytes.NewReader(changed)); !errors.Is(err, ErrBackup) {
			t.Errorf("changed at %d of %d: got %v", at, len(whole), err)
		}
	}
}

func TestBackupLeavesNothing(t *testing.T) {
	dir := newHome(t)
	runHome(t, dir)
	o := openHome(t, dir)
	to := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := o.Backup(ctx, filepath.Join(to, "b")); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: got %v", err)
	}
	if err := os.WriteFile(filepath.Join(to, "there"), []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Backup(t.Context(), filepath.Join(to, "there")); !errors.Is(err, ErrExists) {
		t.Errorf("a file is there: got %v", err)
	}
	if left, _ := os.ReadDir(to); len(left) != 1 {
		t.Errorf("left: %v", left)
	}
}

func TestOpenRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		file string
		want error
	}{
		"empty":         {"", relay.ErrHome},
		"of a node":     {"node.db", relay.ErrKind},
		"half restored": {relay.RestoreFile, relay.ErrRestoring},
	} {
		dir := t.TempDir()
		if c.file != "" {
			if err := os.WriteFile(filepath.Join(dir, c.file), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := Open(t.Context(), dir); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
	// The store is open in a process that has no socket yet.
	dir := newHome(t)
	s, err := store.Open(store.Config{Path: filepath.Join(dir, relay.StoreFile)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := openHome(t, dir).Check(t.Context()); !errors.Is(err, relay.ErrInUse) {
		t.Errorf("in use: got %v, want %v", err, relay.ErrInUse)
	}
}

func TestSocket(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("long/", 30))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := dial(t.Context(), dir); !nobody(err) {
		t.Errorf("before: got %v", err)
	}
	for range 2 { // the second replaces what the first leaves
		l, _, err := listen(dir)
		if err != nil {
			t.Fatal(err)
		}
		conn, err := dial(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
		info, err := os.Lstat(filepath.Join(dir, socketName))
		if err != nil || info.Mode() != os.ModeSocket|0o600 {
			t.Errorf("got %v, %v", info, err)
		}
		l.Close()
		if _, err := dial(t.Context(), dir); !nobody(err) {
			t.Errorf("after: got %v", err)
		}
	}
	path := filepath.Join(dir, socketName)
	if err := errors.Join(os.Remove(path), os.WriteFile(path, []byte("precious"), 0o600)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := listen(dir); err == nil {
		t.Error("a file is in the way, and it listens")
	}
}

// Requests that make no sense are refused, and only one reads the whole store.
func TestServerRefuses(t *testing.T) {
	dir := newHome(t)
	runHome(t, dir)
	for _, request := range []string{
		"GET /v1/nothing HTTP/1.1\r\nHost: relay\r\n\r\n",
		"DELETE /v1/status HTTP/1.1\r\nHost: relay\r\n\r\n",
		"\x00\x01\x02\r\n\r\n",
		"GET /v1/status HTTP/1.1\r\nHost: relay\r\nX: " + strings.Repeat("x", 2*maxHeader) + "\r\n\r\n",
	} {
		conn, err := dial(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(conn, request)
		_ = conn.(*net.UnixConn).CloseWrite()
		answer, _ := io.ReadAll(conn)
		if !bytes.HasPrefix(answer, []byte("HTTP/1.1 4")) {
			t.Errorf("%.40q: got %.60q", request, answer)
		}
		conn.Close()
	}
	if st, err := openHome(t, dir).Status(t.Context()); err != nil || !st.Running {
		t.Errorf("afterwards: got %+v, %v", st, err)
	}
	s := &Server{log: slog.New(slog.DiscardHandler), one: make(chan struct{}, 1)}
	w := httptest.NewRecorder()
	r := httptest.NewRequest("POST", "/v1/check", nil)
	if !s.enter(w, r) || s.enter(w, r) || w.Code != 409 {
		t.Errorf("a second reading: got %d", w.Code)
	}
	if s.leave(); !s.enter(w, r) {
		t.Error("none after the first")
	}
}
