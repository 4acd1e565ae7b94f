package integration

import (
	"context"
	"slices"
	"testing"
	"time"

	"quicnprotochat/node/contact"
	"quicnprotochat/node/localapi"
	"quicnprotochat/rpc"
	"quicnprotochat/transport"
	"quicnprotochat/transport/endpoint"
)

// asker asks relays as a stranger does.
type asker struct {
	w    *world
	host *transport.Host
}

func (w *world) asker() *asker {
	w.t.Helper()
	_, key, err := newKey()
	must(w.t, err)
	listen, err := transport.ParseAddr("/ip4/" + w.ip() + "/udp/7000/quic-v1")
	must(w.t, err)
	h, err := transport.New(transport.Config{PrivateKey: key, Listen: []transport.Addr{listen}, Options: []transport.Option{w.net.Option()}})
	must(w.t, err)
	w.stop = append(w.stop, func() { _ = h.Close() })
	return &asker{w, h}
}

// endpoint returns what a relay, or a node, says of somebody, and the addresses in
// it, read with the card of a link of theirs.
func (a *asker) endpoint(at transport.RelayURL, of *simNode, link string) (endpoint.Record, []transport.Addr) {
	a.w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	a.host.Learn(at.Key, transport.SourceUser, at.Addrs())
	s, err := a.host.Open(ctx, at.Key)
	must(a.w.t, err)
	conn := rpc.NewConn(s, rpc.ConnConfig{Peer: rpc.Peer{Identity: rpc.Identity(at.Key), Proven: true}})
	defer conn.Close()
	k, err := transport.ParseKey(of.id)
	must(a.w.t, err)
	record, err := conn.Client().ResolveEndpoint(ctx, rpc.Identity(k))
	must(a.w.t, err)
	e, err := endpoint.Parse(record, k, time.Now())
	must(a.w.t, err)
	card, _, err := contact.ParseLink(link)
	must(a.w.t, err)
	addrs, err := e.OpenAddrs(card.AddressKey)
	must(a.w.t, err)
	return e, addrs
}

// TestEndpointLife follows the endpoint of a node at its relay: published at the
// start, again when what it says changes, and replaced by one without addresses when
// the node goes.
func TestEndpointLife(t *testing.T) {
	simulate(t, func(w *world) {
		r, second := w.relay(), w.relay()
		b := w.node("bob", r.url())
		b.settled()
		time.Sleep(time.Second)
		invite, err := b.Invite(context.Background())
		must(t, err)
		ask := w.asker()
		first, addrs := ask.endpoint(r.URL(), b, invite.Link)
		here := func(a transport.Addr) bool { return a.Host() == b.ip && a.Port() == 7000 }
		if !slices.ContainsFunc(addrs, here) || len(first.Relays) != 1 || time.Until(first.Expiry) > 24*time.Hour {
			t.Errorf("at the start: %v, relays %v, until %v", addrs, first.Relays, first.Expiry)
		}
		must(t, b.AddRelay(context.Background(), second.url()))
		b.settled()
		time.Sleep(10 * time.Second)
		for _, at := range []*simRelay{r, second} {
			e, addrs := ask.endpoint(at.URL(), b, invite.Link)
			if e.Seq <= first.Seq || len(e.Relays) != 2 || !slices.ContainsFunc(addrs, here) {
				t.Errorf("after a change: sequence %d after %d, %v, relays %v", e.Seq, first.Seq, addrs, e.Relays)
			}
		}
		b.halt()
		last, addrs := ask.endpoint(r.URL(), b, invite.Link)
		if last.Seq <= first.Seq || len(addrs) != 0 {
			t.Errorf("after the end: sequence %d after %d, %v", last.Seq, first.Seq, addrs)
		}
	})
}

// TestStaleEndpoint lets somebody move and lose the relay that would say so: when
// they call, what is known of them is replaced, and outlasts a restart.
func TestStaleEndpoint(t *testing.T) {
	simulate(t, func(w *world) {
		r := w.relay()
		a, b := w.node("anna"), w.node("bob", r.url())
		a.add(b)
		a.await(a.send(b, "hello"), localapi.Delivered, time.Minute)
		time.Sleep(time.Minute)
		b.halt()
		r.halt()
		b.ip = w.ip()
		b.start()
		// Bob calls anna, and then they have not seen each other when she restarts.
		b.await(b.send(a, "I moved"), localapi.Delivered, time.Minute)
		time.Sleep(time.Minute)
		a.halt()
		a.start()
		a.await(a.send(b, "I see"), localapi.Direct, 30*time.Second)
	})
}

// TestBackWhereItWas lets somebody be away and come back to the same place when the relay
// that would say so is gone: who was told that it is away, and has started anew since, tries
// the addresses of the contact card.
func TestBackWhereItWas(t *testing.T) {
	simulate(t, func(w *world) {
		r := w.relay()
		a, b := w.node("anna", r.url()), w.node("bob", r.url())
		b.meet(a, "hello") // bob's card came with his introduction: he is as he says
		b.halt()
		time.Sleep(time.Minute)
		id := a.send(b, "are you there?")
		a.await(id, localapi.Stored, time.Minute)
		time.Sleep(time.Minute)
		r.halt()
		a.halt()
		b.start()
		time.Sleep(5 * time.Minute) // until he has given up calling her
		a.start()
		a.await(id, localapi.Delivered, 30*time.Minute)
	})
}
