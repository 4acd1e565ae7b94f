package admin

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"quicnprotochat/relay"
	"quicnprotochat/relay/accounts"
	"quicnprotochat/relay/store"
	"quicnprotochat/relay/store/ledger"
	"quicnprotochat/transport"
)

// FuzzReadBackup reads files that anybody may have made.
func FuzzReadBackup(f *testing.F) {
	dir := filepath.Join(f.TempDir(), "home")
	if _, err := relay.Init(dir); err != nil {
		f.Fatal(err)
	}
	var whole bytes.Buffer
	err := writeBackup(context.Background(), &whole, dir, func(ctx context.Context, begin func(int64) (io.Writer, error)) error {
		return ledger.SnapshotFile(ctx, filepath.Join(dir, relay.StoreFile), begin)
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole.Bytes())
	f.Add(whole.Bytes()[:2000])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := readBackup(t.Context(), bytes.NewReader(data))
		if err != nil && !errors.Is(err, ErrBackup) {
			t.Fatal(err)
		}
		if err == nil && b.at+b.size > int64(len(data)) {
			t.Errorf("a store of %d bytes at %d, in %d", b.size, b.at, len(data))
		}
	})
}

// deadlined is an answer whose reader keeps up.
type deadlined struct{ *httptest.ResponseRecorder }

func (deadlined) SetWriteDeadline(time.Time) error { return nil }

// fuzzServer is a server whose relay has two accounts; nobody listens on its socket.
func fuzzServer(f *testing.F) *Server {
	f.Helper()
	dir := filepath.Join(f.TempDir(), "home")
	if _, err := relay.Init(dir); err != nil {
		f.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s, err := store.Open(store.Config{Path: filepath.Join(dir, relay.StoreFile)})
	if err != nil {
		f.Fatal(err)
	}
	written := make(chan error, 1)
	go func() { written <- s.Run(ctx) }()
	for _, text := range []string{"anna", "Jürgen"} {
		name, err := accounts.ParseName(text)
		if err == nil {
			err = s.AddAccount(ctx, store.Account{Key: name.Key, Name: text, Folded: name.Folded, Record: []byte{1}, Stretch: []byte{1}}, nil)
		}
		if err != nil {
			f.Fatal(err)
		}
	}
	cancel()
	if err := errors.Join(<-written, s.Close()); err != nil {
		f.Fatal(err)
	}
	r, err := relay.New(relay.Config{Dir: dir, Listen: []transport.Addr{"/ip4/127.0.0.1/udp/0/quic-v1"}})
	if err != nil {
		f.Fatal(err)
	}
	ctx, cancel = context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	f.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			f.Error(err)
		}
	})
	return &Server{relay: r, dir: dir, log: slog.New(slog.DiscardHandler), one: make(chan struct{}, 1)}
}

// FuzzRequest sends what it likes to the socket of a relay that runs: whatever it is, the
// answer is whole, an error says what is wrong, and it is never the relay's fault.
func FuzzRequest(f *testing.F) {
	for _, line := range []string{
		"GET /v1/status", "POST /v1/check", "POST /v1/compact", "GET /v1/backup", "GET /v1/users", "GET /v1/invites",
		"DELETE /v1/users/nobody", "PUT /v1/users/J%C3%BCrgen/ban", "DELETE /v1/users/ANNA/ban", "PUT /v1/users/%2e%2e%2fbackup/ban",
		"POST /v1/invites", "POST /v1/invites?count=2&lasts=24h&note=for+Anna", "POST /v1/invites?count=-1&lasts=1000000h&note=%ff",
		"DELETE /v1/invites/00", "DELETE /v1/invites/0123-4567-89AB-CDEF-GHJK", "HEAD /v1/status", "GET http://relay/v1/status", "OPTIONS *",
	} {
		f.Add([]byte(line + " HTTP/1.1\r\nHost: relay\r\n\r\n"))
	}
	f.Add([]byte("PUT /v1/users/anna/ban HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"))
	routes := fuzzServer(f).routes()
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := http.ReadRequest(bufio.NewReaderSize(bytes.NewReader(data), maxHeader))
		if err != nil {
			return // net/http refuses it
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second) // a thousand invites are a thousand commits
		defer cancel()
		w := deadlined{httptest.NewRecorder()}
		func() {
			defer func() {
				if broken := recover(); broken != nil && (broken != http.ErrAbortHandler || ctx.Err() == nil) {
					panic(broken)
				}
			}()
			routes.ServeHTTP(w, r.WithContext(ctx))
		}()
		if r.Method == http.MethodHead || ctx.Err() != nil {
			return
		}
		checkAnswer(t, w.ResponseRecorder, string(data))
	})
}

// checkAnswer looks at what was answered to a request.
func checkAnswer(t *testing.T, w *httptest.ResponseRecorder, request string) {
	t.Helper()
	switch w.Header().Get("Content-Type") {
	case "application/json":
		var answer map[string]any
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
			t.Fatalf("%q: %d, %v in %q", request, w.Code, err, w.Body)
		}
		if text, _ := answer["error"].(string); (w.Code != http.StatusOK) != (text != "") {
			t.Errorf("%q: %d, %q", request, w.Code, w.Body)
		}
		// Too many invites are open: the store is busy, and that is said.
		if w.Code >= 500 && answer["error"] != store.ErrBusy.Error() {
			t.Errorf("%q: %d, %q", request, w.Code, w.Body)
		}
	case "application/x-tar":
		if _, err := readBackup(t.Context(), bytes.NewReader(w.Body.Bytes())); err != nil {
			t.Errorf("%q: %v", request, err)
		}
	default: // http.ServeMux itself
		if w.Code == http.StatusOK || w.Code >= 500 {
			t.Errorf("%q: %d, %q", request, w.Code, w.Body)
		}
	}
}
