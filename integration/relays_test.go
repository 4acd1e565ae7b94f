package integration

import (
	"context"
	"crypto/ed25519"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"quicnprotochat/node/contact"
	"quicnprotochat/node/identity"
	"quicnprotochat/node/localapi"
	"quicnprotochat/rpc"
	"quicnprotochat/rpc/pass"
	"quicnprotochat/transport"
)

// TestRelayAddedLater gives somebody a relay after the contact was made: who has
// the contact learns of it.
func TestRelayAddedLater(t *testing.T) {
	simulate(t, func(w *world) {
		r := w.relay()
		a, b := w.node("alice"), w.node("bob")
		a.add(b)
		a.await(a.send(b, "one"), localapi.Delivered, 10*time.Second)
		if err := b.AddRelay(context.Background(), r.url()); err != nil {
			w.t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		b.halt()
		a.await(a.send(b, "two"), localapi.Stored, 30*time.Second)
		// The same with the command line of the next start.
		b.relays = []string{w.relay().url()}
		b.start()
		time.Sleep(10 * time.Second)
		b.halt()
		r.halt()
		a.await(a.send(b, "three"), localapi.Stored, 30*time.Second)
	})
}

// TestCallAfterStored: what a relay took and never hands over reaches somebody who does
// not know the sender yet, once both machines run.
func TestCallAfterStored(t *testing.T) {
	simulate(t, func(w *world) {
		r := w.relay()
		a, b := w.node("alice"), w.node("bob", r.url())
		time.Sleep(10 * time.Second)
		invite, err := b.Invite(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		b.halt()
		if _, err := a.AddContact(context.Background(), invite.Link, ""); err != nil {
			t.Fatal(err)
		}
		id := a.send(b, "are you there?")
		a.await(id, localapi.Stored, time.Minute)
		w.net.Cut(b.ip, r.ip, true)
		time.Sleep(5 * time.Minute)
		b.start()
		a.await(id, localapi.Delivered, 10*time.Minute)
	})
}

// oddRelay is a relay that is slow or lies.
type oddRelay struct {
	rpc.Depositor
	rpc.KeyDirectory
	rpc.Endpoints
	slow time.Duration // before keys are handed out
	lies bool          // hands out no keys, but something else

	mu                 sync.Mutex
	peeks              int
	hybrid, keyPackage []byte
	endpoint           []byte // that it hands out
	looks              int    // how often it was asked for that
}

// start lets the relay answer and returns its URL.
func (o *oddRelay) start(w *world) string {
	w.t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	ip := w.ip()
	h, err := transport.New(transport.Config{
		PrivateKey: key, Listen: []transport.Addr{transport.Addr("/ip4/" + ip + "/udp/7000/quic-v1")},
		Options: []transport.Option{w.net.Option()}, Log: w.log,
		OnStream: func(s *transport.Stream) {
			c := rpc.NewConn(s, rpc.ConnConfig{
				Service: &rpc.Service{Depositor: o, Inbox: o, Keys: o, Endpoints: o},
				Peer:    rpc.Peer{Identity: rpc.Identity(s.Key()), Proven: true},
			})
			<-c.Done()
		},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.stop = append(w.stop, func() { h.Close() })
	u, err := transport.NewRelayURL(h.Key(), ip, 7000)
	if err != nil {
		w.t.Fatal(err)
	}
	return u.String()
}

func (o *oddRelay) Enqueue(context.Context, rpc.Caller, rpc.Identity, rpc.Channel, []byte) (uint64, error) {
	return 1, nil
}

func (o *oddRelay) Fetch(context.Context, rpc.Caller, rpc.Identity, rpc.Channel, uint32, time.Duration) ([]rpc.Envelope, error) {
	return nil, nil
}

func (o *oddRelay) Peek(context.Context, rpc.Caller, rpc.Identity, rpc.Channel, uint64, uint32, time.Duration) ([]rpc.Envelope, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.peeks++
	return nil, nil
}

func (o *oddRelay) Ack(context.Context, rpc.Caller, rpc.Identity, rpc.Channel, uint64) error {
	return nil
}

func (o *oddRelay) UploadKeyPackage(_ context.Context, _ rpc.Caller, _ rpc.Identity, p []byte) ([32]byte, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.keyPackage = p
	return [32]byte{}, nil
}

func (o *oddRelay) UploadHybridKey(_ context.Context, _ rpc.Caller, _ rpc.Identity, blob []byte) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.hybrid = blob
	return nil
}

func (o *oddRelay) FetchKeyPackage(context.Context, rpc.Caller, rpc.Identity) ([]byte, error) {
	time.Sleep(o.slow)
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.lies {
		return []byte("a lie"), nil
	}
	return o.keyPackage, nil
}

func (o *oddRelay) FetchHybridKeys(_ context.Context, _ rpc.Caller, owners []rpc.Identity) ([][]byte, error) {
	time.Sleep(o.slow)
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.lies {
		return [][]byte{[]byte("a lie")}, nil
	}
	return [][]byte{o.hybrid}, nil
}

func (o *oddRelay) PublishEndpoint(context.Context, rpc.Caller, rpc.Identity, []byte) error {
	return nil
}

func (o *oddRelay) ResolveEndpoint(context.Context, rpc.Caller, rpc.Identity) ([]byte, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.looks++
	return o.endpoint, nil
}

// TestRelayLiesAboutKeys lets one relay answer at once with what is no key: the
// answer of the slower one counts.
func TestRelayLiesAboutKeys(t *testing.T) {
	simulate(t, func(w *world) {
		liar, slow := &oddRelay{lies: true}, &oddRelay{slow: time.Second}
		a, b := w.node("alice"), w.node("bob", liar.start(w), slow.start(w))
		b.settled()
		time.Sleep(10 * time.Second)
		invite, err := b.Invite(context.Background())
		if err != nil {
			w.t.Fatal(err)
		}
		b.halt()
		if _, err := a.AddContact(context.Background(), invite.Link, ""); err != nil {
			w.t.Fatal(err)
		}
		a.await(a.send(b, "one"), localapi.Stored, time.Minute)
	})
}

// TestRelayNeverWaits asks a relay that answers at once that there is no mail.
func TestRelayNeverWaits(t *testing.T) {
	simulate(t, func(w *world) {
		o := &oddRelay{}
		w.node("alice", o.start(w)).settled()
		time.Sleep(time.Minute)
		o.mu.Lock()
		defer o.mu.Unlock()
		if o.peeks > 100 {
			w.t.Errorf("asked for mail %d times in a minute, want at most 100", o.peeks)
		}
	})
}

// TestContactNamesOurRelay adds somebody whose cards name our own relay at
// addresses where it is not: ours is still found.
func TestContactNamesOurRelay(t *testing.T) {
	simulate(t, func(w *world) {
		r := w.relay()
		url := r.URL()
		r.halt()
		a := w.node("alice", url.String())
		id, err := identity.Generate()
		if err != nil {
			w.t.Fatal(err)
		}
		for i := range 8 {
			card := contact.Card{
				Identity: id.ID(), Name: "mallory", HostKeys: []transport.Key{transport.Key(id.ID())}, Issued: time.Now(),
				Hello: pass.Pass{Recipient: id.ID(), Relay: transport.Key(id.ID()), Kind: pass.Hello, Expiry: time.Now().Add(time.Hour)},
			}
			for j := range 4 {
				u, err := transport.NewRelayURL(url.Key, "1.0.0.200", uint16(1000+4*i+j))
				if err != nil {
					w.t.Fatal(err)
				}
				card.Relays = append(card.Relays, u)
			}
			link, err := card.Link(id.Sign)
			if err != nil {
				w.t.Fatal(err)
			}
			if _, err := a.AddContact(context.Background(), link, ""); err != nil {
				w.t.Fatal(err)
			}
			time.Sleep(time.Second)
		}
		r.start()
		a.settled()
	})
}

// TestMoved lets bob come back at another address while alice is away. When she
// is back, what she knows of him is dead and says nothing: her relay's copy of
// his endpoint leads to him within seconds.
func TestMoved(t *testing.T) {
	simulate(t, func(w *world) {
		r := w.relay()
		a, b := w.node("alice", r.url()), w.node("bob", r.url())
		a.settled()
		a.meet(b, "one")
		a.halt()
		b.halt()
		b.ip = w.ip()
		b.start()
		b.settled()
		time.Sleep(time.Minute)
		a.start()
		time.Sleep(5 * time.Second)
		s, err := a.Status(context.Background())
		if err != nil || len(s.Peers) != 1 {
			w.t.Fatal(s, err)
		}
		if p := s.Peers[0]; !p.Connected {
			w.t.Errorf("5 s after the start: not connected, tried %+v", p.Tried)
		}
	})
}

// TestRelayGoneForGood takes one of bob's two relays away, with its file, while he
// is: what was left there is at the other one as well, although that is slower to
// reach, and comes to him without its author.
func TestRelayGoneForGood(t *testing.T) {
	for n := range 4 {
		gone, sealed := n%2, n/2 == 1
		simulate(t, func(w *world) {
			own := w.relay()
			relays := []*simRelay{w.sealedRelay(sealed), w.sealedRelay(sealed)}
			a, b := w.node("alice", own.url()), w.node("bob", relays[0].url(), relays[1].url())
			a.settled()
			b.settled()
			time.Sleep(time.Second)
			a.add(b)
			a.await(a.send(b, "one"), localapi.Delivered, 10*time.Second)
			b.halt()
			a.halt()
			w.net.Delay(a.ip, relays[1-gone].ip, 100*time.Millisecond)
			a.start() // with no link to any relay of his
			for _, text := range []string{"two", "three"} {
				a.await(a.send(b, text), localapi.Stored, 30*time.Second)
			}
			time.Sleep(10 * time.Second)
			if relays[0].met.has(a) == sealed {
				t.Errorf("the relay met alice: %v", !sealed)
			}
			a.halt()
			relays[gone].vanish()
			b.start()
			b.shows(a, time.Minute, "one", "two", "three")
		})
	}
}

// TestOnlyRelayGone lets one relay alone have what is for bob, since the other one
// is away, and then vanish. Its author sends it again.
func TestOnlyRelayGone(t *testing.T) {
	simulate(t, func(w *world) {
		only, other := w.relay(), w.relay()
		a, b := w.node("alice"), w.node("bob", only.url(), other.url())
		a.meet(b, "one")
		b.halt()
		other.halt()
		a.await(a.send(b, "two"), localapi.Stored, 30*time.Second)
		only.vanish()
		other.start()
		time.Sleep(time.Minute)
		b.start()
		b.shows(a, 5*time.Minute, "one", "two")
	})
}

// vanish takes a relay away for good.
func (r *simRelay) vanish() {
	r.w.t.Helper()
	r.halt()
	if err := os.RemoveAll(r.dir); err != nil {
		r.w.t.Fatal(err)
	}
}

// shows waits until the history with somebody is that.
func (n *simNode) shows(other *simNode, most time.Duration, want ...string) {
	n.w.t.Helper()
	var got []string
	for end := time.Now().Add(most); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if got = n.texts(other); slices.Equal(got, want) {
			return
		}
	}
	n.w.t.Errorf("%s shows %q after %v, want %q", n.name, got, most, want)
}
