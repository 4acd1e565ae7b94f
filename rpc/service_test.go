package rpc

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"
)

// testID returns a valid identity.
func testID(n byte) Identity {
	seed := bytes.Repeat([]byte{n}, ed25519.SeedSize)
	return Identity(ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey))
}

// recorder is a service that remembers its last call and answers from it.
type recorder struct {
	mu     sync.Mutex
	last   []any
	caller Caller
	err    error // what every method returns, if set
	inbox  []Envelope
	hook   func(ctx context.Context, method string, args ...any) // before the answer
}

func (r *recorder) call(ctx context.Context, c Caller, method string, args ...any) error {
	r.mu.Lock()
	r.caller, r.last = c, append([]any{method}, args...)
	hook, err := r.hook, r.err
	r.mu.Unlock()
	if hook != nil {
		hook(ctx, method, args...)
	}
	return err
}

func (r *recorder) seen() (Caller, []any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.caller, r.last
}

func (r *recorder) service() *Service {
	return &Service{
		Health: r, Depositor: r, Inbox: r, Keys: r, Endpoints: r,
		Accounts: r, Owners: r, Channels: r, Directory: r, Sessions: r,
	}
}

func (r *recorder) Health(ctx context.Context) (string, error) {
	return "ok", r.call(ctx, Caller{}, "health")
}

func (r *recorder) Enqueue(ctx context.Context, c Caller, to Identity, ch Channel, payload []byte) (uint64, error) {
	return 7, r.call(ctx, c, "enqueue", to, ch, payload)
}

func (r *recorder) BatchEnqueue(ctx context.Context, c Caller, to []Identity, ch Channel, payload []byte) ([]uint64, error) {
	seqs := make([]uint64, len(to))
	for i := range seqs {
		seqs[i] = uint64(i + 1)
	}
	return seqs, r.call(ctx, c, "batchEnqueue", to, ch, payload)
}

func (r *recorder) Fetch(ctx context.Context, c Caller, owner Identity, ch Channel, limit uint32, wait time.Duration) ([]Envelope, error) {
	return r.inbox, r.call(ctx, c, "fetch", owner, ch, limit, wait)
}

func (r *recorder) Peek(ctx context.Context, c Caller, owner Identity, ch Channel, after uint64, limit uint32, wait time.Duration) ([]Envelope, error) {
	return r.inbox, r.call(ctx, c, "peek", owner, ch, after, limit, wait)
}

func (r *recorder) Ack(ctx context.Context, c Caller, owner Identity, ch Channel, upTo uint64) error {
	return r.call(ctx, c, "ack", owner, ch, upTo)
}

func (r *recorder) UploadKeyPackage(ctx context.Context, c Caller, owner Identity, kp []byte) ([32]byte, error) {
	return sha256.Sum256(kp), r.call(ctx, c, "uploadKeyPackage", owner, kp)
}

func (r *recorder) FetchKeyPackage(ctx context.Context, c Caller, owner Identity) ([]byte, error) {
	return []byte("kp"), r.call(ctx, c, "fetchKeyPackage", owner)
}

func (r *recorder) UploadHybridKey(ctx context.Context, c Caller, owner Identity, blob []byte) error {
	return r.call(ctx, c, "uploadHybridKey", owner, blob)
}

func (r *recorder) FetchHybridKeys(ctx context.Context, c Caller, owners []Identity) ([][]byte, error) {
	blobs := make([][]byte, len(owners))
	for i, o := range owners {
		blobs[i] = o[:]
	}
	return blobs, r.call(ctx, c, "fetchHybridKeys", owners)
}

func (r *recorder) PublishEndpoint(ctx context.Context, c Caller, owner Identity, record []byte) error {
	return r.call(ctx, c, "publishEndpoint", owner, record)
}

func (r *recorder) ResolveEndpoint(ctx context.Context, c Caller, owner Identity) ([]byte, error) {
	return []byte("record"), r.call(ctx, c, "resolveEndpoint", owner)
}

func (r *recorder) RegisterStart(ctx context.Context, c Caller, name string, request []byte) ([]byte, error) {
	return []byte("response"), r.call(ctx, c, "registerStart", name, request)
}

func (r *recorder) RegisterFinish(ctx context.Context, c Caller, name string, upload []byte, id Identity, invite string) (bool, error) {
	return true, r.call(ctx, c, "registerFinish", name, upload, id, invite)
}

func (r *recorder) EndSession(ctx context.Context, c Caller) error {
	return r.call(ctx, c, "endSession")
}

func (r *recorder) ChangePassword(ctx context.Context, c Caller, upload []byte) ([]byte, error) {
	return []byte("token"), r.call(ctx, c, "changePassword", upload)
}

func (r *recorder) DeleteAccount(ctx context.Context, c Caller) error {
	return r.call(ctx, c, "deleteAccount")
}

func (r *recorder) LoginStart(ctx context.Context, c Caller, name string, request []byte) ([]byte, error) {
	return []byte("challenge"), r.call(ctx, c, "loginStart", name, request)
}

func (r *recorder) LoginFinish(ctx context.Context, c Caller, name string, finalization []byte, id Identity) ([]byte, error) {
	return []byte("token"), r.call(ctx, c, "loginFinish", name, finalization, id)
}

func (r *recorder) CreateChannel(ctx context.Context, c Caller, peer Identity) (Channel, error) {
	return Channel{9}, r.call(ctx, c, "createChannel", peer)
}

func (r *recorder) ResolveUser(ctx context.Context, c Caller, name string) (Identity, bool, error) {
	return testID(9), name != "nobody", r.call(ctx, c, "resolveUser", name)
}

func (r *recorder) ResolveIdentity(ctx context.Context, c Caller, id Identity) (string, error) {
	return "name", r.call(ctx, c, "resolveIdentity", id)
}

// Session knows the tokens of one repeated byte: 1 is bound to testID(1), 2 to
// nothing.
func (r *recorder) Session(_ context.Context, token [32]byte) (Session, error) {
	switch token {
	case [32]byte(testSession(1)):
		return Session{ID: token, Identity: testID(1), Bound: true}, nil
	case [32]byte(testSession(2)):
		return Session{ID: token, Identity: testID(9)}, nil // which it just names
	}
	return Session{}, ErrUnauthenticated
}

func testSession(n byte) []byte { return bytes.Repeat([]byte{n}, 32) }

// lockedBuffer is a log that tests read.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *lockedBuffer) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// serve returns a connection to svc over net.Pipe: the caller is testID(1),
// proved by TLS.
func serve(t testing.TB, svc *Service, change func(server, client *ConnConfig)) (server, client *Conn) {
	t.Helper()
	a, b := net.Pipe()
	return serveOn(t, a, b, svc, change)
}

func serveOn(t testing.TB, a, b io.ReadWriteCloser, svc *Service, change func(server, client *ConnConfig)) (server, client *Conn) {
	t.Helper()
	sc := ConnConfig{Service: svc, Peer: Peer{Identity: testID(1), Proven: true, Remote: "192.0.2.1"}}
	var cc ConnConfig
	if change != nil {
		change(&sc, &cc)
	}
	server, client = NewConn(a, sc), NewConn(b, cc)
	t.Cleanup(func() {
		client.Close()
		server.Close()
	})
	return server, client
}

// unixPair returns both ends of a unix socket.
func unixPair(t testing.TB) (a, b net.Conn) {
	t.Helper()
	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if a, err = net.Dial("unix", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if b, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	return a, b
}

// everyMethod calls each method once, with what the service must have seen and
// what the client must have got.
func everyMethod(ctx context.Context, c *Client) []struct {
	name string
	call func() (any, error)
	seen []any
	want any
} {
	me, other, ch := testID(1), testID(2), Channel{3}
	data := []byte("data")
	batch := []Identity{other, me}
	return []struct {
		name string
		call func() (any, error)
		seen []any
		want any
	}{
		{"health", func() (any, error) { return c.Health(ctx) }, []any{"health"}, "ok"},
		{"enqueue", func() (any, error) { return c.Enqueue(ctx, other, ch, data) }, []any{"enqueue", other, ch, data}, uint64(7)},
		{"batchEnqueue", func() (any, error) { return c.BatchEnqueue(ctx, batch, Channel{}, data) }, []any{"batchEnqueue", batch, Channel{}, data}, []uint64{1, 2}},
		{"fetch", func() (any, error) { return c.Fetch(ctx, me, ch, 5, 0) }, []any{"fetch", me, ch, uint32(5), time.Duration(0)}, testInbox},
		{"fetchWait", func() (any, error) { return c.Fetch(ctx, me, ch, 5, 1500*time.Microsecond) }, []any{"fetch", me, ch, uint32(5), 2 * time.Millisecond}, testInbox},
		{"peek", func() (any, error) { return c.Peek(ctx, me, ch, 0, 5, 0) }, []any{"peek", me, ch, uint64(0), uint32(5), time.Duration(0)}, testInbox},
		{"peekWait after", func() (any, error) { return c.Peek(ctx, me, ch, 6, 5, 0) }, []any{"peek", me, ch, uint64(6), uint32(5), time.Duration(0)}, testInbox},
		{"peekWait", func() (any, error) { return c.Peek(ctx, me, ch, 6, 5, time.Hour) }, []any{"peek", me, ch, uint64(6), uint32(5), MaxWait}, testInbox},
		{"ack", func() (any, error) { return nil, c.Ack(ctx, me, ch, 8) }, []any{"ack", me, ch, uint64(8)}, nil},
		{"uploadKeyPackage", func() (any, error) { return c.UploadKeyPackage(ctx, me, data) }, []any{"uploadKeyPackage", me, data}, sha256.Sum256(data)},
		{"fetchKeyPackage", func() (any, error) { return c.FetchKeyPackage(ctx, other) }, []any{"fetchKeyPackage", other}, []byte("kp")},
		{"uploadHybridKey", func() (any, error) { return nil, c.UploadHybridKey(ctx, me, data) }, []any{"uploadHybridKey", me, data}, nil},
		{"fetchHybridKey", func() (any, error) { return c.FetchHybridKey(ctx, other) }, []any{"fetchHybridKeys", []Identity{other}}, other[:]},
		{"fetchHybridKeys", func() (any, error) { return c.FetchHybridKeys(ctx, batch) }, []any{"fetchHybridKeys", batch}, [][]byte{other[:], me[:]}},
		{"publishEndpoint", func() (any, error) { return nil, c.PublishEndpoint(ctx, me, data) }, []any{"publishEndpoint", me, data}, nil},
		{"resolveEndpoint", func() (any, error) { return c.ResolveEndpoint(ctx, other) }, []any{"resolveEndpoint", other}, []byte("record")},
		{"registerStart", func() (any, error) { return c.RegisterStart(ctx, "anna", data) }, []any{"registerStart", "anna", data}, []byte("response")},
		{"registerFinish", func() (any, error) { return c.RegisterFinish(ctx, "anna", data, me, "code") }, []any{"registerFinish", "anna", data, me, "code"}, true},
		{"loginStart", func() (any, error) { return c.LoginStart(ctx, "anna", data) }, []any{"loginStart", "anna", data}, []byte("challenge")},
		{"loginFinish", func() (any, error) { return c.LoginFinish(ctx, "anna", data, me) }, []any{"loginFinish", "anna", data, me}, []byte("token")},
		{"endSession", func() (any, error) { return nil, c.EndSession(ctx, testSession(1)) }, []any{"endSession"}, nil},
		{"changePassword", func() (any, error) { return c.ChangePassword(ctx, testSession(1), data) }, []any{"changePassword", data}, []byte("token")},
		{"deleteAccount", func() (any, error) { return nil, c.DeleteAccount(ctx, testSession(1)) }, []any{"deleteAccount"}, nil},
		{"createChannel", func() (any, error) { return c.CreateChannel(ctx, other) }, []any{"createChannel", other}, Channel{9}},
		{"resolveUser", func() (any, error) {
			id, found, err := c.ResolveUser(ctx, "anna")
			return fmt.Sprint(id, found), err
		}, []any{"resolveUser", "anna"}, fmt.Sprint(testID(9), true)},
		{"resolveIdentity", func() (any, error) { return c.ResolveIdentity(ctx, other) }, []any{"resolveIdentity", other}, "name"},
	}
}

var testInbox = []Envelope{{7, []byte("one")}, {9, []byte("three")}}

func TestEveryMethod(t *testing.T) {
	unixA, unixB := unixPair(t)
	pipeA, pipeB := net.Pipe()
	for name, ends := range map[string][2]io.ReadWriteCloser{"pipe": {pipeA, pipeB}, "unix": {unixA, unixB}} {
		t.Run(name, func(t *testing.T) {
			r := &recorder{inbox: testInbox}
			_, client := serveOn(t, ends[0], ends[1], r.service(), nil)
			for _, m := range everyMethod(t.Context(), client.Client()) {
				got, err := m.call()
				if err != nil {
					t.Errorf("%s: %v", m.name, err)
					continue
				}
				if !reflect.DeepEqual(got, m.want) {
					t.Errorf("%s: got %v, want %v", m.name, got, m.want)
				}
				c, seen := r.seen()
				if !reflect.DeepEqual(seen, m.seen) {
					t.Errorf("%s: service saw %v, want %v", m.name, seen, m.seen)
				}
				if want := wantCaller(m.name); !reflect.DeepEqual(c, want) {
					t.Errorf("%s: caller %+v, want %+v", m.name, c, want)
				}
			}
		})
	}
}

func wantCaller(method string) Caller {
	c := Caller{Kind: TokenTLS, Identity: testID(1), Proven: true, Remote: "192.0.2.1"}
	switch {
	case method == "health":
		return Caller{}
	case strings.HasPrefix(method, "register"), strings.HasPrefix(method, "login"):
		c.Kind = TokenNone
	case method == "endSession", method == "changePassword", method == "deleteAccount":
		c.Kind = TokenSession
		c.Session = &Session{ID: [32]byte(testSession(1)), Identity: testID(1), Bound: true}
	}
	return c
}
