package relay

import (
	"context"
	"fmt"
	"testing"
	"time"

	"quicnprotochat/rpc"
	"quicnprotochat/rpc/pass"
	"quicnprotochat/transport"
	"quicnprotochat/transport/endpoint"
)

// passFor returns a pass for a contact of p at the relay of tests, changed by
// change.
func (p person) passFor(now time.Time, change func(*pass.Pass)) []byte {
	made := pass.Pass{
		Recipient: p.id, Relay: testRelay, Kind: pass.Contact, Generation: 5, Expiry: now.Add(20 * 24 * time.Hour),
	}
	if change != nil {
		change(&made)
	}
	return made.Sign(p.sign).Encode()
}

// tell publishes an endpoint of p with a generation.
func (p person) tell(t *testing.T, s *service, now time.Time, generation uint32) {
	t.Helper()
	e := endpoint.Record{Identity: transport.Key(p.id), Seq: uint64(now.UnixMilli()), Expiry: now.Add(time.Hour), Generation: generation}
	record, err := e.Encode(nil, [32]byte{1}, p.sign)
	if err == nil {
		err = s.PublishEndpoint(t.Context(), p.caller(), p.id, record)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// byPass is a caller who shows a pass, from an address.
func byPass(encoded []byte, remote string) rpc.Caller {
	return rpc.Caller{Kind: rpc.TokenPass, Pass: encoded, Remote: remote}
}

func TestPasses(t *testing.T) {
	ctx := context.Background()
	s, clk := newTestService(t, Config{AllowSealedSender: true})
	bob, carol, dave := newPerson(2), newPerson(3), newPerson(4)
	bob.tell(t, s, clk.now(), 5)
	carol.tell(t, s, clk.now(), 5)
	good := bob.passFor(clk.now(), nil)
	flipped := append([]byte(nil), good...)
	flipped[len(flipped)-1] ^= 1
	by := func(change func(*pass.Pass)) []byte { return bob.passFor(clk.now(), change) }
	forged := pass.Pass{Recipient: bob.id, Relay: testRelay, Kind: pass.Contact, Generation: 5, Expiry: clk.now().Add(time.Hour)}.Sign(carol.sign).Encode()
	for _, tt := range []struct {
		name string
		to   person
		pass []byte
		want error
	}{
		{"good", bob, good, nil},
		{"higher generation than was told", bob, by(func(p *pass.Pass) { p.Generation = 6 }), nil},
		{"hello", bob, by(func(p *pass.Pass) { p.Kind = pass.Hello }), nil},
		{"garbage", bob, []byte("pass"), rpc.ErrPass},
		{"flipped bit", bob, flipped, rpc.ErrPass},
		{"cut short", bob, good[:len(good)-1], rpc.ErrPass},
		{"signed by another", bob, forged, rpc.ErrPass},
		{"unknown kind", bob, by(func(p *pass.Pass) { p.Kind = 3 }), rpc.ErrPass},
		{"for another recipient", carol, good, rpc.ErrPass},
		{"for another relay", bob, by(func(p *pass.Pass) { p.Relay = newPerson(9).id }), rpc.ErrPass},
		{"for the recipient's own host", bob, by(func(p *pass.Pass) { p.Relay = bob.id }), rpc.ErrPass},
		{"hello of a link", bob, by(func(p *pass.Pass) { p.Kind, p.Relay = pass.Hello, bob.id }), nil},
		{"hello for another relay", bob, by(func(p *pass.Pass) { p.Kind, p.Relay = pass.Hello, newPerson(9).id }), rpc.ErrPass},
		{"hello, cancelled", bob, by(func(p *pass.Pass) { p.Kind, p.Relay, p.Generation = pass.Hello, bob.id, 4 }), rpc.ErrPass},
		{"hello of one who is not at home here", dave, dave.passFor(clk.now(), func(p *pass.Pass) { p.Kind, p.Relay = pass.Hello, dave.id }), rpc.ErrPass},
		{"cancelled", bob, by(func(p *pass.Pass) { p.Generation = 4 }), rpc.ErrPass},
		{"expired", bob, by(func(p *pass.Pass) { p.Expiry = clk.now().Add(-time.Millisecond) }), rpc.ErrPass},
		{"good for too long", bob, by(func(p *pass.Pass) { p.Expiry = clk.now().Add(40 * 24 * time.Hour) }), rpc.ErrPass},
		{"of one who never told a generation", dave, dave.passFor(clk.now(), nil), rpc.ErrPass},
	} {
		c := byPass(tt.pass, "192.0.2.1")
		check := func(what string, err error) {
			t.Helper()
			if want, _ := tt.want.(*rpc.Error); want != nil {
				wantCode(t, tt.name+": "+what, err, want)
			} else if err != nil {
				t.Errorf("%s: %s: got %v", tt.name, what, err)
			}
		}
		seq, err := s.Enqueue(ctx, c, tt.to.id, rpc.Channel{}, []byte("payload"))
		check("enqueue", err)
		if (seq != 0) != (tt.want == nil) {
			t.Errorf("%s: sequence %d", tt.name, seq)
		}
		_, err = s.ResolveEndpoint(ctx, c, tt.to.id)
		check("endpoint", err)
		_, err = s.FetchHybridKeys(ctx, c, []rpc.Identity{tt.to.id})
		check("hybrid key", err)
		_, err = s.FetchKeyPackage(ctx, c, tt.to.id)
		check("key package", err)
	}
}

// TestPassIsForDeposits tries with a good pass what it is not good for.
func TestPassIsForDeposits(t *testing.T) {
	ctx := context.Background()
	s, clk := newTestService(t, Config{AllowSealedSender: true})
	bob, carol := newPerson(2), newPerson(3)
	bob.tell(t, s, clk.now(), 5)
	carol.tell(t, s, clk.now(), 5)
	c := byPass(bob.passFor(clk.now(), nil), "192.0.2.1")
	_, err := s.Enqueue(ctx, c, bob.id, rpc.Channel{1}, []byte("x"))
	wantCode(t, "on a channel", err, rpc.ErrChannel)
	_, err = s.BatchEnqueue(ctx, c, []rpc.Identity{bob.id, carol.id}, rpc.Channel{}, []byte("x"))
	wantCode(t, "for two", err, rpc.ErrPass)
	_, err = s.FetchHybridKeys(ctx, c, []rpc.Identity{carol.id})
	wantCode(t, "another's hybrid key", err, rpc.ErrPass)
	_, err = s.Fetch(ctx, c, bob.id, rpc.Channel{}, 0, 0)
	wantCode(t, "fetch", err, rpc.ErrUnauthenticated)
	_, err = s.Peek(ctx, c, bob.id, rpc.Channel{}, 0, 0, 0)
	wantCode(t, "peek", err, rpc.ErrUnauthenticated)
	wantCode(t, "ack", s.Ack(ctx, c, bob.id, rpc.Channel{}, 1), rpc.ErrUnauthenticated)
	wantCode(t, "publish", s.PublishEndpoint(ctx, c, bob.id, nil), rpc.ErrUnauthenticated)
	_, err = s.CreateChannel(ctx, c, bob.id)
	wantCode(t, "channel", err, rpc.ErrUnauthenticated)
	_, err = s.UploadKeyPackage(ctx, c, bob.id, nil)
	wantCode(t, "upload", err, rpc.ErrUnauthenticated)
}

// TestPassesNotAllowed: by default, a relay takes no pass.
func TestPassesNotAllowed(t *testing.T) {
	s, clk := newTestService(t, Config{})
	bob := newPerson(2)
	bob.tell(t, s, clk.now(), 5)
	_, err := s.Enqueue(t.Context(), byPass(bob.passFor(clk.now(), nil), ""), bob.id, rpc.Channel{}, []byte("x"))
	wantCode(t, "enqueue", err, rpc.ErrUnauthenticated)
}

// TestRaisedGeneration cancels all passes of before; the endpoint that told it
// expires, and nothing comes back.
func TestRaisedGeneration(t *testing.T) {
	s, clk := newTestService(t, Config{AllowSealedSender: true})
	bob := newPerson(2)
	bob.tell(t, s, clk.now(), 5)
	old := byPass(bob.passFor(clk.now(), nil), "192.0.2.1")
	enqueue := func(c rpc.Caller) error {
		_, err := s.Enqueue(t.Context(), c, bob.id, rpc.Channel{}, []byte("x"))
		return err
	}
	if err := enqueue(old); err != nil {
		t.Fatal(err)
	}
	clk.add(time.Minute)
	bob.tell(t, s, clk.now(), 6)
	wantCode(t, "of before", enqueue(old), rpc.ErrPass)
	clk.add(2 * time.Hour)
	bob.tell(t, s, clk.now(), 5)
	wantCode(t, "after the generation was told lower", enqueue(old), rpc.ErrPass)
	if err := enqueue(byPass(bob.passFor(clk.now(), func(p *pass.Pass) { p.Generation = 6 }), "192.0.2.1")); err != nil {
		t.Errorf("of now: %v", err)
	}
}

// TestPassLimits: deposits by pass are bounded by address, with a hello pass to a
// few small ones.
func TestPassLimits(t *testing.T) {
	s, clk := newTestService(t, Config{AllowSealedSender: true, MaxShare: 20, CallRate: 10})
	bob := newPerson(2)
	bob.tell(t, s, clk.now(), 5)
	contact := bob.passFor(clk.now(), nil)
	hello := bob.passFor(clk.now(), func(p *pass.Pass) { p.Kind = pass.Hello })
	enqueue := func(p []byte, remote string, n int) error {
		_, err := s.Enqueue(t.Context(), byPass(p, remote), bob.id, rpc.Channel{}, make([]byte, n))
		return err
	}
	must := func(n int, p []byte, remote string) {
		t.Helper()
		for range n {
			if err := enqueue(p, remote, 1); err != nil {
				t.Fatal(err)
			}
		}
	}
	must(20, contact, "192.0.2.1")
	wantCode(t, "more than a share", enqueue(contact, "192.0.2.1", 1), rpc.ErrQueueFull)
	must(1, contact, "192.0.2.2")
	must(hellosByCaller, hello, "192.0.2.3")
	wantCode(t, "too much with a hello pass", enqueue(hello, "192.0.2.3", 1), rpc.ErrPass)
	for n := range hellosByCaller { // one line of IPv6, however many addresses
		must(1, hello, fmt.Sprintf("2001:db8::%x:1", n))
	}
	wantCode(t, "too much from one line", enqueue(hello, "2001:db8:0:ff::1", 1), rpc.ErrPass)
	must(1, hello, "2001:db8:0:100::1")
	must(1, contact, "192.0.2.3")
	wantCode(t, "too large for a hello pass", enqueue(hello, "192.0.2.4", maxHello+1), rpc.ErrTooLarge)
	must(1, hello, "192.0.2.4")
	for range 100 {
		_ = enqueue([]byte("garbage"), "192.0.2.5", 1)
	}
	wantCode(t, "too many calls", enqueue(contact, "192.0.2.5", 1), rpc.ErrBusy)
}

// TestPassOverTheNetwork shows a pass to a relay over plain QUIC, and over libp2p,
// where it hides what TLS proved from all that the relay does with the call.
func TestPassOverTheNetwork(t *testing.T) {
	told := make(chan rpc.Call, 100)
	r, stop := run(t, Config{Dir: t.TempDir(), AllowSealedSender: true, OnCall: func(c rpc.Call) { told <- c }})
	defer stop()
	alice, bob := newPerson(1), newPerson(2)
	now := time.Now()
	e := endpoint.Record{Identity: transport.Key(bob.id), Seq: uint64(now.UnixMilli()), Expiry: now.Add(time.Hour), Generation: 5}
	record, err := e.Encode(nil, [32]byte{1}, bob.sign)
	if err != nil {
		t.Fatal(err)
	}
	owner := bob.dial(t, r.URL(), true)
	if err := owner.PublishEndpoint(t.Context(), bob.id, record); err != nil {
		t.Fatal(err)
	}
	<-told
	token := rpc.PassToken(bob.passFor(now, func(p *pass.Pass) { p.Relay = r.URL().Key }))
	for _, proven := range []bool{false, true} {
		u := alice.dial(t, r.URL(), proven)
		u.token = token
		if _, err := u.Enqueue(t.Context(), bob.id, rpc.Channel{}, []byte("payload")); err != nil {
			t.Fatal(err)
		}
		if c := (<-told).Caller; c.Proven || c.Identity != (rpc.Identity{}) || c.Kind != rpc.TokenPass {
			t.Errorf("the relay is told of %+v", c)
		}
	}
	// Refused where no pass is good, it still hides who shows it.
	u := alice.dial(t, r.URL(), true)
	u.token = token
	_, err = u.FetchHybridKeys(t.Context(), []rpc.Identity{bob.id})
	wantCode(t, "a pass for many keys", err, rpc.ErrUnauthenticated)
	if c := (<-told).Caller; c.Proven || c.Identity != (rpc.Identity{}) || c.Kind != rpc.TokenPass {
		t.Errorf("refused, the relay is told of %+v", c)
	}
	got, err := owner.Peek(t.Context(), bob.id, rpc.Channel{}, 0, 0, 0)
	if err != nil || len(got) != 2 {
		t.Errorf("got %d payloads, %v, want 2", len(got), err)
	}
}
