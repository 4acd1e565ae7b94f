package integration

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"capnproto.org/go/capnp/v3"
	rpccp "capnproto.org/go/capnp/v3/std/capnp/rpc"
	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	libp2pquic "github.com/libp2p/go-libp2p/p2p/transport/quic"
	"github.com/multiformats/go-multiaddr"

	"quicnprotochat/node/localapi"
	"quicnprotochat/rpc"
	"quicnprotochat/transport"
	"quicnprotochat/transport/endpoint"
)

func outsiders(t *testing.T, n int) []*outsider {
	all := make([]*outsider, n)
	for i := range all {
		all[i] = newOutsider(t, transport.Config{})
	}
	return all
}

// floodTime bounds each flood.
const floodTime = 10 * time.Second

// TestFloodOfPayloads lets 24 peers deposit as many of the largest payloads as
// they can, and read them again without reading the answers.
func TestFloodOfPayloads(t *testing.T) {
	if testing.Short() {
		t.Skip("runs real processes")
	}
	relay := started(t, relayProcess(t))
	peers := outsiders(t, 24)
	owner := newOutsider(t, transport.Config{})
	mail := owner.client(relay)
	kept, err := mail.Enqueue(t.Context(), owner.id(), rpc.Channel{}, []byte{3, 1, 2})
	if err != nil {
		t.Fatal(err)
	}
	v := keepVigil(t, relay)
	for _, own := range []bool{true, false} {
		sent := flood(t, relay, peers, 1, 24, floodTime, func(o *outsider) message {
			to := o.id()
			if !own {
				to = owner.id()
			}
			return enqueueMessage(t, to, rpc.MaxPayload)
		})
		t.Logf("%d payloads sent", sent)
	}
	sent := flood(t, relay, peers, 4, 20, floodTime, func(o *outsider) message { return peekMessage(t, o.id()) })
	t.Logf("%d looks into inboxes", sent)
	v.over(t)
	got, err := mail.Peek(t.Context(), owner.id(), rpc.Channel{}, 0, 1, 0)
	if err != nil || len(got) != 1 || got[0].Seq != kept || !bytes.Equal(got[0].Data, []byte{3, 1, 2}) {
		t.Errorf("what was stored before: got %v, %v", got, err)
	}
	if n := strings.Count(relay.log(t), "\n"); n > 500 {
		t.Errorf("%d lines were logged", n)
	}
}

// TestFloodOfNode is the same for a node, by strangers.
func TestFloodOfNode(t *testing.T) {
	if testing.Short() {
		t.Skip("runs real processes")
	}
	bob := started(t, newProcess(t, "bob", "up", "--name", "bob", "--lan", "off", "--listen", anyLocalPort))
	key, _ := bob.at(t)
	peers := outsiders(t, 24)
	v := keepVigil(t, bob)
	for _, size := range []int{rpc.MaxPayload, 60 << 10} {
		sent := flood(t, bob, peers, 1, 24, floodTime, func(*outsider) message { return enqueueMessage(t, rpc.Identity(key), size) })
		t.Logf("%d payloads of %d bytes sent", sent, size)
	}
	v.over(t)
	if n := strings.Count(bob.log(t), "\n"); n > 500 {
		t.Errorf("%d lines were logged", n)
	}
}

// TestFloodOfKeys is a flood by many, none of whom does much.
func TestFloodOfKeys(t *testing.T) {
	if testing.Short() {
		t.Skip("runs real processes")
	}
	relay := started(t, relayProcess(t))
	peers := outsiders(t, 150)
	v := keepVigil(t, relay)
	sent := flood(t, relay, peers, 2, 10, floodTime, func(*outsider) message { return enqueueMessage(t, peers[0].id(), rpc.MaxPayload) })
	t.Logf("%d payloads sent", sent)
	v.over(t)
}

// TestHostile does to a relay and to a node what nobody should: each attack ends
// with a code or cut off, and the process goes on.
func TestHostile(t *testing.T) {
	if testing.Short() {
		t.Skip("runs real processes")
	}
	relay := started(t, relayProcess(t))
	alice, bob := started(t, nodeProcess(t, "alice", relay)), started(t, nodeProcess(t, "bob", relay))
	if link, err := bob.invite(); err != nil || alice.add(link) != nil {
		t.Fatal(err)
	}
	delivered := func(text string) {
		t.Helper()
		d, err := alice.send("bob", text, "--wait", "delivered", "--timeout", patience.String())
		if err != nil {
			t.Fatalf("%q is not delivered: %v, %v", text, d, err)
		}
	}
	delivered("before")
	for _, p := range []*process{relay, bob} {
		v := keepVigil(t, p)
		for _, attack := range []struct {
			name string
			do   func(*testing.T, *process)
		}{
			{"garbage", sendGarbage},
			{"claim", claimMuch},
			{"streams", openStreams},
			{"oversize", depositTooMuch},
			{"endpoint", forgeEndpoint},
			{"calls", callNonsense},
		} {
			t.Run(p.name+"/"+attack.name, func(t *testing.T) { attack.do(t, p) })
		}
		v.over(t)
		if n := strings.Count(p.log(t), "\n"); n > 300 {
			t.Errorf("%s logged %d lines", p.name, n)
		}
		if !strings.Contains(p.log(t), "connection cut off") {
			t.Errorf("%s does not say what happened", p.name)
		}
	}
	delivered("after")
	shown, err := bob.history("alice")
	if err != nil || len(shown) != 2 || shown[0].Text != "before" || shown[1].Text != "after" {
		t.Errorf("bob shows %v, %v", shown, err)
	}
}

// cutOff waits for the other side to end a stream.
func cutOff(t *testing.T, s *transport.Stream) {
	t.Helper()
	if err := s.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	var timeout interface{ Timeout() bool }
	if _, err := io.Copy(io.Discard, s); errors.As(err, &timeout) && timeout.Timeout() {
		t.Error("the stream goes on")
	}
	s.Reset()
}

// sendGarbage writes bytes that are no messages.
func sendGarbage(t *testing.T, p *process) {
	o := newOutsider(t, transport.Config{})
	rng := rand.New(rand.NewPCG(1, 2))
	for range 100 {
		s, err := o.open(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 1+rng.IntN(1<<14))
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		b[0] |= 0xf0 // claims many segments
		_, _ = s.Write(append(b, make([]byte, 1<<12)...))
		cutOff(t, s)
	}
}

// claimMuch announces a message of 60 MiB, and many that never come.
func claimMuch(t *testing.T, p *process) {
	o := newOutsider(t, transport.Config{})
	s, err := o.open(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Write([]byte{0, 0, 0, 0, 0, 0, 60 << 20 / 8 >> 16, 0}); err != nil {
		t.Fatal(err)
	}
	cutOff(t, s)
	for range 200 {
		s, err := o.open(t.Context(), p)
		if err != nil {
			continue // over a limit
		}
		t.Cleanup(s.Reset)
		_, _ = s.Write([]byte{0, 0, 0, 0, 0, 0, 5 << 20 / 8 >> 16, 0})
	}
}

// openStreams opens 10,000 streams that say nothing.
func openStreams(t *testing.T, p *process) {
	h, err := libp2p.New(libp2p.NoListenAddrs, libp2p.Transport(libp2pquic.NewTransport),
		libp2p.ResourceManager(&network.NullResourceManager{}), libp2p.DisableMetrics(), libp2p.DisableRelay())
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	key, addr := p.at(t)
	id, err := peer.Decode(key.String())
	if err != nil {
		t.Fatal(err)
	}
	to, err := multiaddr.NewMultiaddr(string(addr))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := h.Connect(ctx, peer.AddrInfo{ID: id, Addrs: []multiaddr.Multiaddr{to}}); err != nil {
		t.Fatal(err)
	}
	opened := 0
	for held := []network.Stream(nil); opened < 10_000; opened++ {
		conns := h.Network().ConnsToPeer(id)
		if len(conns) == 0 {
			break // cut off, which is an answer
		}
		s, err := conns[0].NewStream(ctx)
		if err != nil {
			break // or the machine is slow
		}
		_, _ = s.Write(nil)
		if held = append(held, s); len(held) > 200 {
			held[0].Reset()
			held = held[1:]
		}
	}
	t.Logf("%d streams", opened)
}

// depositTooMuch deposits more than a payload may have.
func depositTooMuch(t *testing.T, p *process) {
	o := newOutsider(t, transport.Config{})
	s, err := o.open(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	key, _ := p.at(t)
	got := answers(t, s, enqueueMessage(t, rpc.Identity(key), rpc.MaxPayload+1))
	if !strings.HasPrefix(got[1], string(rpc.CodeTooLarge)) {
		t.Errorf("got %q, want %s", got[1], rpc.CodeTooLarge)
	}
}

// answers makes calls over a stream, the questions 1 and up, and returns the
// text of each error, "" for none. If the stream ends, the rest is missing.
func answers(t *testing.T, s *transport.Stream, calls ...message) map[uint32]string {
	t.Helper()
	defer s.Reset()
	if err := s.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = bootstrapMessage(t).send(s, 0)
		for i, m := range calls {
			_ = m.send(s, uint32(i+1))
		}
	}()
	got := make(map[uint32]string)
	for dec := capnp.NewDecoder(s); len(got) <= len(calls); {
		m, err := dec.Decode()
		if err != nil {
			break
		}
		root, err := rpccp.ReadRootMessage(m)
		if err != nil {
			t.Fatal(err)
		}
		if root.Which() != rpccp.Message_Which_return {
			continue
		}
		ret, err := root.Return()
		if err != nil {
			t.Fatal(err)
		}
		text := ""
		if ret.Which() == rpccp.Return_Which_exception {
			e, err := ret.Exception()
			if err != nil {
				t.Fatal(err)
			}
			text, _ = e.Reason()
		}
		got[ret.AnswerId()] = text
	}
	return got
}

// forgeEndpoint publishes an endpoint that was changed, and somebody else's.
func forgeEndpoint(t *testing.T, p *process) {
	o, other := newOutsider(t, transport.Config{}), newOutsider(t, transport.Config{})
	c := o.client(p)
	record := o.endpoint()
	for i := 0; i < len(record); i += 11 {
		changed := bytes.Clone(record)
		changed[i] ^= 1
		if err := c.PublishEndpoint(t.Context(), o.id(), changed); !errors.Is(err, rpc.ErrEndpoint) && !errors.Is(err, rpc.ErrNotOffered) {
			t.Errorf("byte %d changed: got %v", i, err)
		}
	}
	if err := c.PublishEndpoint(t.Context(), o.id(), other.endpoint()); !errors.Is(err, rpc.ErrEndpoint) && !errors.Is(err, rpc.ErrNotOffered) {
		t.Errorf("another's as ours: got %v", err)
	}
	if err := c.PublishEndpoint(t.Context(), other.id(), other.endpoint()); !errors.Is(err, rpc.ErrForbidden) && !errors.Is(err, rpc.ErrNotOffered) {
		t.Errorf("another's: got %v", err)
	}
	if got, err := c.ResolveEndpoint(t.Context(), o.id()); len(got) != 0 && err == nil {
		t.Errorf("a forged endpoint is served: %x", got)
	}
}

// endpoint is a signed endpoint of o.
func (o *outsider) endpoint() []byte {
	o.t.Helper()
	e := endpoint.Record{Identity: o.host.Key(), Seq: uint64(time.Now().UnixMilli()), Expiry: time.Now().Add(time.Hour)}
	b, err := e.Encode(o.host.Addrs(), [32]byte{1}, func(domain string, msg []byte) []byte {
		return ed25519.Sign(o.key, append([]byte(domain), msg...))
	})
	if err != nil {
		o.t.Fatal(err)
	}
	return b
}

// callNonsense calls all methods, and some that do not exist, with arguments of
// zeros.
func callNonsense(t *testing.T, p *process) {
	o := newOutsider(t, transport.Config{})
	s, err := o.open(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	const health, methods = 5, 30
	var calls []message
	for i := range uint16(methods) {
		calls = append(calls, callMessage(t, i, capnp.ObjectSize{DataSize: 16, PointerCount: 6}, func(capnp.Struct, []byte) error { return nil }))
	}
	got := answers(t, s, calls...)
	for i := range uint32(methods) {
		if text, ok := got[i+1]; !ok || (text == "") != (i == health) {
			t.Errorf("method %d: got %q, %v", i, text, ok)
		}
	}
}

// badRelay is a relay that lies.
type badRelay struct {
	o      *outsider
	record atomic.Pointer[[]byte] // the endpoint of everybody
	peeks  atomic.Int64
	full   atomic.Bool // it refuses deposits
}

func startBadRelay(t *testing.T) *badRelay {
	r := new(badRelay)
	r.o = newOutsider(t, transport.Config{OnStream: func(s *transport.Stream) {
		c := rpc.NewConn(s, rpc.ConnConfig{
			Service: &rpc.Service{Health: r, Inbox: r, Keys: r, Endpoints: r, Depositor: r},
			Peer:    rpc.Peer{Identity: rpc.Identity(s.Key()), Proven: true},
		})
		<-c.Done()
	}})
	return r
}

func (r *badRelay) url(t *testing.T) string {
	u, err := transport.NewRelayURL(r.o.host.Key(), "127.0.0.1", r.o.host.ListenPort())
	if err != nil {
		t.Fatal(err)
	}
	return u.String()
}

func (r *badRelay) Health(context.Context) (string, error) { return "fine", nil }

// Peek serves what no sender made, each time something else.
func (r *badRelay) Peek(_ context.Context, _ rpc.Caller, _ rpc.Identity, _ rpc.Channel, after uint64, _ uint32, _ time.Duration) ([]rpc.Envelope, error) {
	switch n := r.peeks.Add(1); n % 6 {
	case 1: // much of it
		list := make([]rpc.Envelope, 2000)
		for i := range list {
			list[i] = rpc.Envelope{Seq: after + uint64(i) + 1, Data: []byte{2, byte(n), byte(i), byte(i >> 8)}}
		}
		return list, nil
	case 2: // as large as it may be
		return []rpc.Envelope{{Seq: after + 1, Data: bytes.Repeat([]byte{2, byte(n)}, rpc.MaxPayload/2)}}, nil
	case 3: // backwards
		return []rpc.Envelope{{Seq: after, Data: []byte{3, 1}}}, nil
	case 4: // empty, and too large
		return []rpc.Envelope{{Seq: after + 1}, {Seq: after + 2, Data: make([]byte, rpc.MaxPayload+1)}}, nil
	case 5:
		return nil, errors.New("\x1b[31m\u202eno")
	default:
		return nil, nil // at once, although it was asked to wait
	}
}

func (r *badRelay) Fetch(context.Context, rpc.Caller, rpc.Identity, rpc.Channel, uint32, time.Duration) ([]rpc.Envelope, error) {
	return nil, nil
}

func (r *badRelay) Ack(context.Context, rpc.Caller, rpc.Identity, rpc.Channel, uint64) error {
	return nil
}

func (r *badRelay) UploadKeyPackage(context.Context, rpc.Caller, rpc.Identity, []byte) ([32]byte, error) {
	return [32]byte{}, nil
}

func (r *badRelay) FetchKeyPackage(context.Context, rpc.Caller, rpc.Identity) ([]byte, error) {
	return bytes.Repeat([]byte{0, 1}, 1<<18), nil
}

func (r *badRelay) UploadHybridKey(context.Context, rpc.Caller, rpc.Identity, []byte) error {
	return nil
}

func (r *badRelay) FetchHybridKeys(_ context.Context, _ rpc.Caller, owners []rpc.Identity) ([][]byte, error) {
	blobs := make([][]byte, len(owners))
	for i := range blobs {
		blobs[i] = bytes.Repeat([]byte{1}, 1<<15)
	}
	return blobs, nil
}

// PublishEndpoint keeps the record and changes a byte.
func (r *badRelay) PublishEndpoint(_ context.Context, _ rpc.Caller, _ rpc.Identity, record []byte) error {
	changed := bytes.Clone(record)
	changed[len(changed)/2] ^= 1
	r.record.Store(&changed)
	return nil
}

func (r *badRelay) ResolveEndpoint(context.Context, rpc.Caller, rpc.Identity) ([]byte, error) {
	if record := r.record.Load(); record != nil {
		return *record, nil
	}
	return r.o.endpoint(), nil
}

// Enqueue acknowledges and forgets.
func (r *badRelay) Enqueue(context.Context, rpc.Caller, rpc.Identity, rpc.Channel, []byte) (uint64, error) {
	if r.full.Load() {
		return 0, rpc.ErrQueueFull
	}
	return 1, nil
}

func (r *badRelay) BatchEnqueue(_ context.Context, _ rpc.Caller, to []rpc.Identity, _ rpc.Channel, _ []byte) ([]uint64, error) {
	return make([]uint64, len(to)), nil
}

// TestHostileRelay gives two nodes a relay that lies and one that has another
// key than it is said to have. They say so, go on, and chat straight.
func TestHostileRelay(t *testing.T) {
	if testing.Short() {
		t.Skip("runs real processes")
	}
	bad, real := startBadRelay(t), started(t, relayProcess(t))
	key, addr := real.at(t)
	wrong, err := transport.NewRelayURL(newOutsider(t, transport.Config{}).host.Key(), "127.0.0.1", addr.Port())
	if err != nil {
		t.Fatal(err)
	}
	node := func(name string) *process {
		return started(t, newProcess(t, name, "up", "--name", name, "--lan", "off", "--listen", anyLocalPort, "--relay", bad.url(t), "--relay", wrong.String()))
	}
	alice, bob := node("alice"), node("bob")
	v := keepVigil(t, alice)
	link, err := bob.invite()
	if err != nil || alice.add(link) != nil {
		t.Fatal(err)
	}
	if d, err := alice.send("bob", "hello", "--wait", "delivered", "--timeout", patience.String()); err != nil {
		t.Fatalf("got %v, %v", d, err)
	}
	eventually(t, "the status names the wrong key", func() bool {
		var st localapi.Status
		err := alice.call(func(b []byte) error { return json.Unmarshal(b, &st) }, "status")
		for _, r := range st.Relays {
			if r.URL == wrong.String() && !r.Reached && strings.Contains(r.Error, key.String()) {
				return true
			}
		}
		return err != nil
	})
	eventually(t, "the bad relay told each of its lies", func() bool { return bad.peeks.Load() >= 6 })
	if d, err := bob.send("alice", "still here", "--wait", "delivered", "--timeout", patience.String()); err != nil {
		t.Fatalf("got %v, %v", d, err)
	}
	shown, err := bob.history("alice")
	if err != nil || len(shown) != 2 || shown[0].Text != "hello" || shown[1].Text != "still here" {
		t.Errorf("bob shows %v, %v", shown, err)
	}
	// Nobody answers for bob now, so alice asks the relay where bob is, which
	// serves an endpoint of bob with one byte changed.
	bob.kill()
	bad.full.Store(true)
	kept, err := alice.send("bob", "kept")
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "alice says that the endpoint is wrong", func() bool {
		return strings.Contains(alice.log(t), "relay served a wrong endpoint")
	})
	all, err := alice.history("bob")
	if err != nil || len(all) != 3 || all[2].ID != kept.ID || all[2].State != localapi.Queued {
		t.Errorf("alice keeps %v, %v", all, err)
	}
	v.over(t)
	for _, text := range []string{alice.log(t), bob.log(t)} {
		if strings.ContainsAny(text, "\x1b\u202e") {
			t.Error("the log has what acts on a terminal")
		}
		if n := strings.Count(text, "\n"); n > 500 {
			t.Errorf("%d lines were logged", n)
		}
	}
}

// eventually waits until ok.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(pollPause) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}
