package integration

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"quicnprotochat/node/contact"
	"quicnprotochat/node/identity"
	"quicnprotochat/transport"
	"quicnprotochat/transport/endpoint"
)

// tell sets the endpoint that a relay hands out, whoever is asked for.
func (o *oddRelay) tell(record []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.endpoint, o.looks = record, 0
}

// looked is how often it was asked for since then.
func (o *oddRelay) looked() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.looks
}

// at is an address in the simulated network where nobody is.
func at(n int) transport.Addr {
	return transport.Addr(fmt.Sprintf("/ip4/1.0.0.%d/udp/7000/quic-v1", n))
}

// forger makes endpoints of bob, true ones and others.
type forger struct {
	t          *testing.T
	bob, other *identity.Identity
	key        [32]byte // the address key on bob's card
}

// make returns an endpoint of bob, changed, and signed by somebody.
func (f *forger) make(seq uint64, by *identity.Identity, change func(*endpoint.Record), addrs ...transport.Addr) []byte {
	f.t.Helper()
	e := endpoint.Record{Identity: transport.Key(f.bob.ID()), Seq: seq, Expiry: time.Now().Add(time.Hour)}
	if change != nil {
		change(&e)
	}
	b, err := e.Encode(addrs, f.key, by.Sign)
	must(f.t, err)
	return b
}

// befriend adds bob, who has one relay, to the contacts of a node.
func (f *forger) befriend(n *simNode, relay string) {
	f.t.Helper()
	u, err := transport.ParseRelayURL(relay)
	must(f.t, err)
	card := contact.Card{
		Identity: f.bob.ID(), Name: "bob", HostKeys: []transport.Key{transport.Key(f.bob.ID())},
		Relays: []transport.RelayURL{u}, AddressKey: f.key, Issued: time.Now(),
	}
	link, err := card.Link(f.bob.Sign)
	must(f.t, err)
	_, err = n.AddContact(context.Background(), link, "")
	must(f.t, err)
}

// tricks are what a relay may hand out in place of an endpoint that is to be used.
// Those that are parsed lead to the address at(200), and have a sequence that is high.
func (f *forger) tricks() map[string][]byte {
	const seq = 1000
	good := f.make(seq, f.bob, nil, at(200))
	flipped := bytes.Clone(good)
	flipped[40] ^= 1 // in the sequence
	return map[string][]byte{
		"nothing": nil, "garbage": bytes.Repeat([]byte{1}, 300), "a flipped bit": flipped, "cut short": good[:len(good)-1],
		"oversize": append(bytes.Clone(good), make([]byte, endpoint.MaxSize)...), "100 KB": make([]byte, 100<<10),
		"of a wrong signer": f.make(seq, f.other, nil, at(200)),
		"of somebody else":  f.make(seq, f.other, func(e *endpoint.Record) { e.Identity = transport.Key(f.other.ID()) }, at(200)),
		"expired":           f.make(seq, f.bob, func(e *endpoint.Record) { e.Expiry = time.Now().Add(-time.Second) }, at(200)),
		"that never ends":   f.make(seq, f.bob, func(e *endpoint.Record) { e.Expiry = time.Now().Add(100 * time.Hour) }, at(200)),
		"rolled back":       f.make(9, f.bob, nil, at(200)),
	}
}

// TestEndpointTricks lets a relay in the internet hand out endpoints that are not to be
// used, and bob one with addresses that a relay must not make us dial: of what they name
// nothing is dialled, and a good one is used, before and after.
func TestEndpointTricks(t *testing.T) {
	simulate(t, func(w *world) {
		o := &oddRelay{}
		url, a := o.start(w), w.node("alice")
		f := &forger{t: t, key: [32]byte{1, 2, 3}}
		var err error
		f.bob, err = identity.Generate()
		must(t, err)
		f.other, err = identity.Generate()
		must(t, err)
		// What alice dials after her relay has handed out a record.
		dials := func(what string, record []byte) (tried []transport.Addr) {
			t.Helper()
			o.tell(record)
			p, err := a.Ping(context.Background(), "bob")
			must(t, err)
			if time.Sleep(10 * time.Second); o.looked() == 0 {
				t.Fatalf("%s: the relay was not asked", what)
			}
			if p, err = a.Ping(context.Background(), "bob"); err != nil || p.Reached {
				t.Fatalf("%s: got %+v, %v", what, p, err)
			}
			for _, x := range p.Tried {
				tried = append(tried, transport.Addr(x.Addr))
			}
			return tried
		}
		f.befriend(a, url)
		if got := dials("a good one", f.make(10, f.bob, nil, at(201))); !slices.Contains(got, at(201)) {
			t.Errorf("a good one: tried %v, want %s", got, at(201))
		}
		for what, record := range f.tricks() {
			if got := dials(what, record); slices.Contains(got, at(200)) {
				t.Errorf("an endpoint %s was used: tried %v", what, got)
			}
		}
		here := transport.Addr("/ip4/" + a.ip + "/udp/7000/quic-v1") // our own
		private := []transport.Addr{here, at(202)}
		for _, ip := range []string{"127.0.0.1", "10.1.2.3", "172.16.1.2", "192.168.1.1", "169.254.1.1", "100.64.0.1"} {
			private = append(private, transport.Addr("/ip4/"+ip+"/udp/7000/quic-v1"))
		}
		for _, ip := range []string{"::1", "fe80::1", "fd00::1"} {
			private = append(private, transport.Addr("/ip6/"+ip+"/udp/7000/quic-v1"))
		}
		private = append(private, "/dns/localhost/udp/7000/quic-v1")
		check := func(when string, got []transport.Addr) {
			t.Helper()
			if !slices.Contains(got, at(202)) {
				t.Errorf("%s: tried %v, want %s", when, got, at(202))
			}
			for _, x := range got {
				if slices.Contains(private[2:], x) || strings.HasPrefix(string(x), "/ip4/127.") {
					t.Errorf("%s: a relay made us dial %s", when, x)
				}
			}
		}
		named := f.make(11, f.bob, nil, private...)
		check("with private addresses", dials("with private addresses", named))
		a.halt()
		a.start()
		check("after a restart", dials("after a restart", named))
	})
}
