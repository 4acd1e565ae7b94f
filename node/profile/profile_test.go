package profile

import (
	"testing"
	"time"

	"quicnprotochat/node/contact"
	"quicnprotochat/node/identity"
	"quicnprotochat/node/store"
	"quicnprotochat/transport"
	"quicnprotochat/transport/endpoint"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

type here struct{}

func (here) Addrs() []transport.Addr { return []transport.Addr{"/ip4/1.0.0.1/udp/7000/quic-v1"} }

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

func TestProfileLasts(t *testing.T) {
	p, cfg := newProfile(t)
	cfg.Name = "somebody else"
	again, err := New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if again.Name() != "alice" || again.addressKey != p.addressKey || again.generation != p.generation {
		t.Errorf("after a restart: got %q, generation %d, want the same as before", again.Name(), again.generation)
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
	if err := p.CheckHello(pass, start); err != nil {
		t.Errorf("own hello pass: %v", err)
	}
	other, _ := newProfile(t)
	if other.CheckHello(pass, start) == nil {
		t.Error("hello pass of another: got no error")
	}
	if p.CheckHello(pass, expires.Add(time.Second)) == nil {
		t.Error("expired hello pass: got no error")
	}
	p.generation++
	if p.CheckHello(pass, start) == nil {
		t.Error("cancelled hello pass: got no error")
	}
	if p.CheckHello(pass[:len(pass)-1], start) == nil {
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
		if addrs, err := e.OpenAddrs(p.addressKey); err != nil || len(addrs) != 1 {
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
	if addrs, err := e.OpenAddrs(p.addressKey); err != nil || len(addrs) != 0 {
		t.Errorf("offline: got %v, %v, want no addresses", addrs, err)
	}
}
