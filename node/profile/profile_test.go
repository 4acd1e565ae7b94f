package profile

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"quicnprotochat/node/contact"
	"quicnprotochat/node/identity"
	"quicnprotochat/node/store"
	"quicnprotochat/rpc/pass"
	"quicnprotochat/transport"
	"quicnprotochat/transport/endpoint"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

type here struct{}

func (here) Addrs() []transport.Addr { return []transport.Addr{"/ip4/1.0.0.1/udp/7000/quic-v1"} }

func (here) LocalAddrs() []transport.Addr {
	return []transport.Addr{"/ip4/192.168.1.2/udp/7000/quic-v1"}
}

func newProfile(t *testing.T) (*Profile, Config) {
	t.Helper()
	id, err := identity.Generate()
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(store.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	cfg := Config{Store: s, Identity: id, Name: "alice"}
	p, err := New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	p.Attach(here{})
	return p, cfg
}

// leave reads what was given out.
func (p *Profile) leave(t *testing.T) (l leave) {
	t.Helper()
	err := p.cfg.Store.View(t.Context(), func(tx *store.Tx) (err error) {
		l, err = readLeave(tx)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// checkHello is CheckHello in a transaction of its own.
func (p *Profile) checkHello(t *testing.T, hello []byte, now time.Time) error {
	t.Helper()
	return p.cfg.Store.View(t.Context(), func(tx *store.Tx) error { return p.CheckHello(tx, hello, now) })
}

// revoke is Revoke in a transaction of its own.
func (p *Profile) revoke(t *testing.T) {
	t.Helper()
	if err := p.cfg.Store.Update(t.Context(), func(tx *store.Tx) error { return p.Revoke(tx, start) }); err != nil {
		t.Fatal(err)
	}
	p.Revoked()
}

func TestProfileLasts(t *testing.T) {
	p, cfg := newProfile(t)
	cfg.Name = "somebody else"
	again, err := New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if again.Name() != "alice" || again.leave(t) != p.leave(t) {
		t.Errorf("after a restart: got %q, %+v, want the same as before", again.Name(), again.leave(t))
	}
}

func TestNobodyIsNameless(t *testing.T) {
	_, cfg := newProfile(t)
	for _, name := range []string{"", " \u202e\n"} {
		s, err := store.Open(store.Config{Dir: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		p, err := New(t.Context(), Config{Store: s, Identity: cfg.Identity, Name: name})
		if err != nil {
			t.Fatal(err)
		}
		p.Attach(here{})
		id := transport.Key(cfg.Identity.ID()).String()
		if want := "qpc-" + id[len(id)-6:]; p.Name() != want {
			t.Errorf("name %q: got %q, want %q", name, p.Name(), want)
		}
		if _, _, err := p.Link(t.Context(), start); err != nil {
			t.Errorf("link: %v", err)
		}
	}
}

func TestLink(t *testing.T) {
	p, _ := newProfile(t)
	link, expires, err := p.Link(t.Context(), start)
	if err != nil {
		t.Fatal(err)
	}
	card, _, err := contact.ParseLink(link)
	if err != nil {
		t.Fatal(err)
	}
	if card.Name != "alice" || len(card.Addrs) != 1 || !expires.Equal(start.Add(HelloLifetime)) {
		t.Errorf("got %q with %d addresses until %v, want alice, 1, 30 days", card.Name, len(card.Addrs), expires)
	}
	pass := card.Hello.Encode()
	if err := p.checkHello(t, pass, start); err != nil {
		t.Errorf("own hello pass: %v", err)
	}
	if err := p.checkHello(t, pass, start.Add(-20*24*time.Hour)); err != nil {
		t.Errorf("own hello pass, and a clock that has gone back: %v", err)
	}
	other, _ := newProfile(t)
	if other.checkHello(t, pass, start) == nil {
		t.Error("hello pass of another: got no error")
	}
	if p.checkHello(t, pass, expires.Add(time.Second)) == nil {
		t.Error("expired hello pass: got no error")
	}
	before := p.leave(t)
	p.revoke(t)
	after := p.leave(t)
	if after.generation != uint32(start.Unix()) || after.addressKey == before.addressKey {
		t.Errorf("got %+v after %+v", after, before)
	}
	p.revoke(t)
	if again := p.leave(t); again.generation != after.generation+1 {
		t.Errorf("got %+v after %+v", again, after)
	}
	if p.checkHello(t, pass, start) == nil {
		t.Error("cancelled hello pass: got no error")
	}
	if p.checkHello(t, pass[:len(pass)-1], start) == nil {
		t.Error("hello pass cut short: got no error")
	}
}

// TestEndpointSequence: the sequence grows even when the clock goes back, and
// the addresses open with the key of the card alone.
func TestEndpointSequence(t *testing.T) {
	p, _ := newProfile(t)
	var last uint64
	for _, now := range []time.Time{start, start, start.Add(-time.Hour), start.Add(time.Second)} {
		record, err := p.Endpoint(t.Context(), true, now)
		if err != nil {
			t.Fatal(err)
		}
		e, err := endpoint.Parse(record, transport.Key(p.cfg.Identity.ID()), now)
		if err != nil {
			t.Fatal(err)
		}
		if e.Seq <= last {
			t.Errorf("sequence: got %d after %d, want a higher one", e.Seq, last)
		}
		last = e.Seq
		if addrs, err := e.OpenAddrs(p.leave(t).addressKey); err != nil || len(addrs) != 1 {
			t.Errorf("addresses: got %v, %v, want 1", addrs, err)
		}
		if _, err := e.OpenAddrs([32]byte{}); err == nil {
			t.Error("addresses with another key: got no error")
		}
	}
	record, err := p.Endpoint(t.Context(), false, start)
	if err != nil {
		t.Fatal(err)
	}
	e, err := endpoint.Parse(record, transport.Key(p.cfg.Identity.ID()), start)
	if err != nil {
		t.Fatal(err)
	}
	if addrs, err := e.OpenAddrs(p.leave(t).addressKey); err != nil || len(addrs) != 0 {
		t.Errorf("offline: got %v, %v, want no addresses", addrs, err)
	}
}

// TestPasses: one for each relay, the same bytes within a period, good for 20 days
// at least, and new ones of the present generation after it was raised.
func TestPasses(t *testing.T) {
	p, cfg := newProfile(t)
	passes := func(now time.Time) (out [][]byte) {
		t.Helper()
		err := cfg.Store.View(t.Context(), func(tx *store.Tx) (err error) {
			out, err = p.Passes(tx, now)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	if got := passes(start); len(got) != 0 {
		t.Errorf("got %d passes without a relay", len(got))
	}
	relays := []transport.Key{{1}, {2}}
	for i := range relays {
		relays[i] = newKey(t)
		u, err := transport.NewRelayURL(relays[i], "relay.example.org", 7000)
		if err != nil {
			t.Fatal(err)
		}
		if err := cfg.Store.Update(t.Context(), func(tx *store.Tx) error {
			return tx.PutRelay(store.Relay{URL: u.String(), Key: u.Key, Added: start.Add(time.Duration(i))})
		}); err != nil {
			t.Fatal(err)
		}
	}
	if got := passes(start); len(got) != 0 {
		t.Errorf("got %d passes for relays that take none", len(got))
	}
	if err := cfg.Store.Update(t.Context(), func(tx *store.Tx) error {
		_, err := tx.SetRelaySealed(relays[0], true)
		_, err2 := tx.SetRelaySealed(relays[1], true)
		return errors.Join(err, err2)
	}); err != nil {
		t.Fatal(err)
	}
	var last [][]byte
	changes := 0
	for now := start; now.Before(start.Add(100 * 24 * time.Hour)); now = now.Add(7 * time.Hour) {
		got := passes(now)
		if len(got) != 2 {
			t.Fatalf("got %d passes, want 2", len(got))
		}
		for i, b := range got {
			made, err := pass.Parse(b)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Contains(relays, made.Relay) || made.Kind != pass.Contact ||
				made.Check(now, cfg.Identity.ID(), made.Relay, 1) != nil ||
				made.Check(now.Add(20*24*time.Hour), cfg.Identity.ID(), made.Relay, 1) != nil {
				t.Fatalf("at %v pass %d is %+v", now, i, made)
			}
		}
		if !slices.EqualFunc(got, last, bytes.Equal) {
			changes++
		}
		last = got
	}
	if changes < 10 || changes > 12 {
		t.Errorf("%d times new passes in 100 days", changes)
	}
	p.revoke(t)
	now := start.Add(100 * 24 * time.Hour)
	for _, b := range passes(now) {
		if made, err := pass.Parse(b); err != nil || made.Check(now, cfg.Identity.ID(), made.Relay, 2) != nil {
			t.Errorf("after generation 1: got %+v, %v", made, err)
		}
	}
}

func newKey(t *testing.T) transport.Key {
	t.Helper()
	id, err := identity.Generate()
	if err != nil {
		t.Fatal(err)
	}
	return transport.Key(id.ID())
}

// TestLinkHidesRouter: a link says where the node's router is seen in the internet
// only if there is no relay that could tell contacts; the sealed endpoint always
// does.
func TestLinkHidesRouter(t *testing.T) {
	p, cfg := newProfile(t)
	for _, want := range [][]transport.Addr{here{}.Addrs(), here{}.LocalAddrs()} {
		link, _, err := p.Link(t.Context(), start)
		if err != nil {
			t.Fatal(err)
		}
		card, _, err := contact.ParseLink(link)
		if err != nil || !slices.Equal(card.Addrs, want) {
			t.Errorf("with %d relays the link has %v, %v, want %v", len(card.Relays), card.Addrs, err, want)
		}
		record, err := p.Endpoint(t.Context(), true, start)
		if err != nil {
			t.Fatal(err)
		}
		e, err := endpoint.Parse(record, transport.Key(cfg.Identity.ID()), start)
		if err != nil {
			t.Fatal(err)
		}
		addrs, err := e.OpenAddrs(p.leave(t).addressKey)
		if err != nil || !slices.Equal(addrs, here{}.Addrs()) {
			t.Errorf("the endpoint has %v, %v, want %v", addrs, err, here{}.Addrs())
		}
		u, err := transport.NewRelayURL(transport.Key(cfg.Identity.ID()), "1.0.0.9", 7000)
		if err != nil {
			t.Fatal(err)
		}
		if err := cfg.Store.Update(t.Context(), func(tx *store.Tx) error {
			return tx.PutRelay(store.Relay{URL: u.String(), Key: u.Key, Added: start})
		}); err != nil {
			t.Fatal(err)
		}
	}
}
