package serve

import (
	"context"
	"errors"
	"testing"
	"time"

	"quicnprotochat/mls"
	"quicnprotochat/mls/seal"
	"quicnprotochat/node/identity"
	"quicnprotochat/node/keys"
	"quicnprotochat/node/profile"
	"quicnprotochat/node/store"
	"quicnprotochat/rpc"
	"quicnprotochat/transport"
	"quicnprotochat/transport/endpoint"
)

// taken is an Inbox that keeps what it takes.
type taken struct{ payloads [][]byte }

func (t *taken) Take(_ context.Context, _ rpc.Identity, payload []byte) (uint64, error) {
	t.payloads = append(t.payloads, payload)
	return uint64(len(t.payloads)), nil
}

type direct struct{}

// mute is somebody who has not said yet what it keeps of us.
var mute = rpc.Identity{7}

func (direct) Asked(ctx context.Context, id rpc.Identity) error {
	if id == mute {
		return context.DeadlineExceeded
	}
	return nil
}
func (direct) Kept(context.Context, rpc.Identity) ([]byte, error) { return []byte("kept"), nil }

func (direct) Addrs() []transport.Addr      { return []transport.Addr{"/ip4/1.0.0.1/udp/7000/quic-v1"} }
func (direct) LocalAddrs() []transport.Addr { return nil }

func newService(t *testing.T) (s *rpc.Service, inbox *taken, self, caller rpc.Identity) {
	t.Helper()
	var ids [2]*identity.Identity
	for i := range ids {
		id, err := identity.Generate()
		if err != nil {
			t.Fatal(err)
		}
		ids[i] = id
	}
	db, err := store.Open(store.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	p, err := profile.New(t.Context(), profile.Config{Store: db, Identity: ids[0], Name: "alice"})
	if err != nil {
		t.Fatal(err)
	}
	p.Attach(direct{})
	inbox = &taken{}
	s = New(Config{
		Self: ids[0].ID(), Inbox: inbox, Peers: direct{}, Profile: p,
		Keys: keys.New(keys.Config{Store: db, Identity: ids[0]}), Now: db.Now,
	})
	return s, inbox, ids[0].ID(), ids[1].ID()
}

func TestEnqueue(t *testing.T) {
	s, inbox, self, id := newService(t)
	proven := rpc.Caller{Kind: rpc.TokenTLS, Identity: id, Proven: true}
	good, err := seal.SealEpoch(seal.EpochKey{1}, []byte("frame"))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name    string
		caller  rpc.Caller
		to      rpc.Identity
		channel rpc.Channel
		payload []byte
		want    error
	}{
		{"good", proven, self, rpc.Channel{}, good, nil},
		{"for another", proven, id, rpc.Channel{}, good, rpc.ErrNotRecipient},
		{"unproven", rpc.Caller{Kind: rpc.TokenPass}, self, rpc.Channel{}, good, rpc.ErrUnauthenticated},
		{"on a channel", proven, self, rpc.Channel{1}, good, rpc.ErrChannel},
		{"not sealed", proven, self, rpc.Channel{}, []byte("hello"), rpc.ErrBadRequest},
		{"too large", proven, self, rpc.Channel{}, make([]byte, seal.MaxPayload+1), rpc.ErrTooLarge},
	} {
		before := len(inbox.payloads)
		_, err := s.Depositor.Enqueue(t.Context(), tt.caller, tt.to, tt.channel, tt.payload)
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, err, tt.want)
		}
		if got := len(inbox.payloads) > before; got != (tt.want == nil) {
			t.Errorf("%s: taken %v, want %v", tt.name, got, tt.want == nil)
		}
	}
	if _, err := s.Depositor.BatchEnqueue(t.Context(), proven, []rpc.Identity{self, id}, rpc.Channel{}, good); !errors.Is(err, rpc.ErrNotRecipient) {
		t.Errorf("batch for two: got %v, want ErrNotRecipient", err)
	}
}

func TestHandsOutOwnKeys(t *testing.T) {
	s, _, self, id := newService(t)
	caller := rpc.Caller{Kind: rpc.TokenTLS, Identity: id, Proven: true}
	seen := make(map[string]bool)
	for i := range perCaller + 2 {
		pkg, err := s.Keys.FetchKeyPackage(t.Context(), caller, self)
		if err != nil {
			t.Fatal(err)
		}
		kp, err := mls.ParseKeyPackage(pkg)
		if err != nil || kp.Check(time.Now()) != nil {
			t.Fatalf("package %d: got %v, want a good one", i, err)
		}
		if kp.LastResort() != (i >= perCaller) || seen[string(pkg)] != (i > perCaller) {
			t.Errorf("package %d: last resort %v, seen before %v, want the same last-resort one from %d on", i, kp.LastResort(), seen[string(pkg)], perCaller)
		}
		seen[string(pkg)] = true
	}
	if _, err := s.Keys.FetchKeyPackage(t.Context(), caller, id); !errors.Is(err, rpc.ErrNotRecipient) {
		t.Errorf("another's package: got %v, want ErrNotRecipient", err)
	}
	blobs, err := s.Keys.FetchHybridKeys(t.Context(), caller, []rpc.Identity{id, self})
	if err != nil || len(blobs) != 2 || len(blobs[0]) != 0 {
		t.Fatalf("hybrid keys: got %d, %v, want none of another", len(blobs), err)
	}
	if _, err := seal.ParseHybridKey(blobs[1], self, time.Now()); err != nil {
		t.Errorf("own hybrid key: %v", err)
	}
	record, err := s.Endpoints.ResolveEndpoint(t.Context(), caller, self)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := endpoint.Parse(record, transport.Key(self), time.Now()); err != nil {
		t.Errorf("own endpoint: %v", err)
	}
	if again, err := s.Endpoints.ResolveEndpoint(t.Context(), caller, self); err != nil || string(again) != string(record) {
		t.Errorf("asked again: got another record or %v, want the same", err)
	}
	first := rpc.Caller{Kind: rpc.TokenTLS, Identity: mute, Proven: true}
	if got, err := s.Endpoints.ResolveEndpoint(t.Context(), first, self); err == nil {
		t.Errorf("before it has said what it keeps of us it got %x", got)
	}
	other := rpc.Identity{1}
	for _, tt := range []struct {
		owner rpc.Identity
		want  string
		err   error
	}{{caller.Identity, "kept", nil}, {other, "", rpc.ErrNotRecipient}} {
		if got, err := s.Endpoints.ResolveEndpoint(t.Context(), caller, tt.owner); string(got) != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("endpoint of another: got %q, %v, want %q, %v", got, err, tt.want, tt.err)
		}
	}
	if name, err := s.Directory.ResolveIdentity(t.Context(), caller, self); err != nil || name != "alice" {
		t.Errorf("own name: got %q, %v, want alice", name, err)
	}
}

func TestNotOffered(t *testing.T) {
	s, _, self, id := newService(t)
	caller := rpc.Caller{Kind: rpc.TokenTLS, Identity: id, Proven: true}
	_, upload := s.Keys.UploadKeyPackage(t.Context(), caller, self, []byte{1})
	_, _, user := s.Directory.ResolveUser(t.Context(), caller, "alice")
	for name, err := range map[string]error{
		"uploadKeyPackage": upload,
		"uploadHybridKey":  s.Keys.UploadHybridKey(t.Context(), caller, self, []byte{1}),
		"publishEndpoint":  s.Endpoints.PublishEndpoint(t.Context(), caller, self, []byte{1}),
		"resolveUser":      user,
	} {
		if !errors.Is(err, rpc.ErrNotOffered) {
			t.Errorf("%s: got %v, want ErrNotOffered", name, err)
		}
	}
	if s.Inbox != nil || s.Accounts != nil || s.Channels != nil || s.Sessions != nil {
		t.Error("a node offers more than its part")
	}
}
