package deliver

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"quicnprotochat/node/contact"
	"quicnprotochat/node/deliver/links"
	"quicnprotochat/node/deliver/people"
	"quicnprotochat/node/known"
	"quicnprotochat/node/store"
	"quicnprotochat/rpc"
	"quicnprotochat/transport"
	"quicnprotochat/transport/endpoint"
)

// lookPause is the least time between two look-ups of one person's endpoint.
const lookPause = 10 * time.Second

// know keeps what a contact's card says of where it can be found.
func (d *Deliverer) know(c store.Contact) {
	if len(c.Card) == 0 && c.Via == known.ViaLAN {
		d.people.Put(people.Person{ID: c.Identity, Host: transport.Key(c.Identity)}) // only the LAN tells where
		return
	}
	if len(c.Card) == 0 && c.Claim != "" {
		d.knowByName(c)
		return
	}
	card, err := contact.ParseCard(c.Card)
	host := transport.Key(c.Identity) // a card may name further machines, or those of others
	if err != nil || !slices.Contains(card.HostKeys, host) {
		d.cfg.Log.Warn("contact without a usable card", "peer", transport.Key(c.Identity), "err", err)
		return
	}
	p := people.Person{ID: c.Identity, Host: host, Relays: card.Relays, AddressKey: card.AddressKey, Sealed: card.Sealed, Hello: card.Hello}
	d.people.Put(p)
	if d.host == nil {
		return // Run comes back to it
	}
	d.host.Learn(p.Host, cardSource(c), card.Addrs)
	d.learnRelays(p)
}

// knowByName keeps that a contact without a card can be found through the relay
// that named it.
func (d *Deliverer) knowByName(c store.Contact) {
	p := people.Person{ID: c.Identity, Host: transport.Key(c.Identity)}
	_, url, _ := strings.Cut(c.Claim, "@")
	u, err := transport.ParseRelayURL(url)
	if err != nil {
		d.cfg.Log.Warn("contact without a usable claim", "peer", p.Host, "err", err)
		return
	}
	p.Relays = []transport.RelayURL{u}
	d.people.Put(p)
	if d.host != nil {
		d.learnRelays(p)
	}
}

// learnRelays notes where a contact's relays are. That is the contact's word: it
// must not push out what the user said of a relay.
func (d *Deliverer) learnRelays(p people.Person) {
	for _, r := range p.Relays {
		d.host.Learn(r.Key, transport.SourceLink, r.Addrs())
	}
	signal(d.moved)
}

// cardSource is whose word the addresses in a contact's card are: the user's,
// who brought a link, or the contact's own.
func cardSource(c store.Contact) transport.Source {
	if c.Via == known.ViaLink {
		return transport.SourceLink
	}
	return transport.SourcePeer
}

// knowEndpoint brings in the endpoint that was last seen of a contact.
func (d *Deliverer) knowEndpoint(tx *store.Tx, id rpc.Identity) {
	record, relay, err := tx.EndpointRecord(id)
	if err != nil {
		return
	}
	p, ok := d.people.Of(id)
	if !ok {
		return
	}
	e, err := endpoint.Parse(record, transport.Key(id), d.cfg.Store.Now())
	if err != nil {
		return // expired meanwhile
	}
	d.useEndpoint(p, e, relay)
}

// useEndpoint takes relays and addresses from an endpoint that a relay handed out, or,
// if it is zero, the person's own machine.
func (d *Deliverer) useEndpoint(p people.Person, e endpoint.Record, relay transport.Key) {
	if len(e.Relays) > 0 {
		p = d.people.Move(p, e.Relays)
		d.learnRelays(p)
	}
	addrs, err := e.OpenAddrs(p.AddressKey)
	if err != nil {
		d.cfg.Log.Debug("endpoint without addresses for us", "peer", p.Host, "err", err)
		return
	}
	if relay.IsZero() {
		d.host.Learn(p.Host, transport.SourcePeer, addrs)
	} else {
		d.host.LearnFromRelay(p.Host, relay, addrs)
	}
}

// open opens a stream to a machine. A dead address may say nothing for as long
// as a dial takes: so when the hedge is over, or the dial has failed, the person's
// relays are asked for its endpoint, and what that says is dialled as well.
func (d *Deliverer) open(ctx context.Context, k transport.Key) (*transport.Stream, error) {
	p, ok := d.people.Of(rpc.Identity(k))
	if ok {
		d.learnCircuits(ctx, p)
	}
	if !ok || !d.links.MayLook(k, lookPause) {
		return d.host.Open(ctx, k)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	known := make(chan struct{}) // closed when the dial of what is known has ended
	second := make(chan opened, 1)
	go func() {
		hedge := time.NewTimer(links.Hedge)
		defer hedge.Stop()
		select {
		case <-hedge.C:
		case <-known:
		case <-ctx.Done():
		}
		second <- d.openFound(ctx, p)
	}()
	s, err := d.host.Open(ctx, k)
	close(known)
	if err == nil {
		cancel() // the stream is open: ctx is no longer of concern to it
	}
	other := <-second
	switch {
	case err == nil && other.stream != nil:
		other.stream.Reset()
	case err != nil && other.stream != nil:
		return other.stream, nil
	case err != nil && other.err != nil:
		return nil, joined(err, other.err)
	}
	return s, err
}

// joined are the errors of two dials of one machine.
func joined(first, second error) error {
	var a, b *transport.DialError
	if errors.As(first, &a) && errors.As(second, &b) {
		return a.With(b)
	}
	return errors.Join(first, second)
}

// opened is how an attempt to open a stream ended; neither field is set if there
// was nothing to try.
type opened struct {
	stream *transport.Stream
	err    error
}

// openFound opens a stream to a person's machine if a relay knows of a newer
// endpoint of it.
func (d *Deliverer) openFound(ctx context.Context, p people.Person) (o opened) {
	if ctx.Err() == nil && d.lookUp(ctx, p) {
		o.stream, o.err = d.host.Open(ctx, p.Host)
	}
	return o
}

// lookUp asks a person's relays for its endpoint and reports whether one had a
// newer one.
func (d *Deliverer) lookUp(ctx context.Context, p people.Person) (found bool) {
	for _, r := range p.Relays {
		if r.Key == p.Host {
			continue
		}
		record, err := d.resolve(ctx, r, p)
		if err != nil || len(record) == 0 {
			continue
		}
		e, err := endpoint.Parse(record, transport.Key(p.ID), d.cfg.Store.Now())
		if err != nil {
			d.cfg.Log.Warn("relay served a wrong endpoint", "relay", r.Key, "peer", p.Host, "err", err)
			continue
		}
		if !d.keepEndpoint(ctx, p.ID, record, r.Key, e) {
			continue
		}
		found = true
		d.useEndpoint(p, e, r.Key)
	}
	return found
}

func (d *Deliverer) resolve(ctx context.Context, u transport.RelayURL, p people.Person) (record []byte, err error) {
	err = d.atRelay(ctx, p, u, func(ctx context.Context, w *links.Wire, _ bool) (err error) {
		record, err = w.Client().ResolveEndpoint(ctx, p.ID)
		return err
	})
	return record, err
}

// askEndpoint asks a contact's machine that is connected for its endpoint: what the
// relays have, and what we know, may be stale.
func (d *Deliverer) askEndpoint(ctx context.Context, ln *links.Link) {
	p, ok := d.people.Of(rpc.Identity(ln.Key))
	if !ok || ln.Key != p.Host {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, links.CallTime)
	defer cancel()
	record, err := ln.Client().ResolveEndpoint(ctx, p.ID)
	if err != nil || len(record) == 0 {
		return // it will be asked again
	}
	e, err := endpoint.Parse(record, p.Host, d.cfg.Store.Now())
	if err != nil {
		d.cfg.Log.Warn("contact handed out a wrong endpoint", "peer", p.Host, "err", err)
		return
	}
	if d.keepEndpoint(ctx, p.ID, record, transport.Key{}, e) {
		d.useEndpoint(p, e, transport.Key{})
	}
}

// keepEndpoint stores an endpoint and which relay had it, and reports whether it is another
// one than was known, and a later one unless that has expired.
func (d *Deliverer) keepEndpoint(ctx context.Context, id rpc.Identity, record []byte, relay transport.Key, e endpoint.Record) (newer bool) {
	err := d.cfg.Store.Update(ctx, func(tx *store.Tx) error {
		known, _, err := tx.EndpointRecord(id)
		if err != nil && !store.IsNotFound(err) {
			return err
		}
		if bytes.Equal(known, record) {
			return nil
		}
		err = tx.PutEndpoint(id, record, relay, e.Seq, e.Expiry)
		newer = err == nil
		if errors.Is(err, store.ErrConflict) {
			err = nil
		}
		return err
	})
	if err != nil {
		d.cfg.Log.Error("store endpoint", "err", err)
	}
	return newer && err == nil
}
