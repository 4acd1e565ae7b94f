package deliver

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"quicnprotochat/node/deliver/people"
	"quicnprotochat/node/store"
	"quicnprotochat/rpc"
	"quicnprotochat/transport"
)

const (
	// borrowMost is at how many relays of contacts a node can be called.
	borrowMost = 2
	// borrowEvery is how often it looks at which, at least, and borrowAfter for how long
	// all of its own must be gone before it connects to any for that.
	borrowEvery, borrowAfter = 30 * time.Second, 25 * time.Second
	// settle gathers changes that come together, as at start.
	settle = 20 * time.Millisecond
)

// MayPunch reports whether a machine may learn our addresses to make a direct
// connection: contacts may.
func (d *Deliverer) MayPunch(k transport.Key) bool {
	if !d.running() {
		return false
	}
	_, ok := d.people.Of(rpc.Identity(k))
	return ok
}

// circuits keeps, until ctx ends, through which relays others may call us: our own, and
// those of contacts, to which it connects for that only if none of our own is reached.
func (d *Deliverer) circuits(ctx context.Context) {
	// Those who lose a relay together, or start without it, do not all look at once.
	tick := time.NewTicker(borrowEvery + rand.N(borrowEvery/2))
	defer tick.Stop()
	lost := time.Now() // since when none of our own is reached; zero: one is
	var borrowed []transport.Key
	for {
		homes := d.relays.Keys()
		switch linked := slices.ContainsFunc(homes, func(k transport.Key) bool { return d.links.Now(k) != nil }); {
		case linked:
			lost = time.Time{}
		case lost.IsZero():
			lost = time.Now()
		}
		alone := len(homes) == 0 || !lost.IsZero() && time.Since(lost) >= borrowAfter
		borrowed = d.borrow(ctx, homes, borrowed, alone)
		d.host.Reserve(homes, borrowed)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			borrowed = nil
		case <-d.moved:
			pause := time.NewTimer(settle)
			select {
			case <-ctx.Done():
			case <-pause.C:
			}
			pause.Stop()
		}
	}
}

// learnCircuits notes through which relays we may call a contact: its own, and ours, which
// it may have borrowed.
func (d *Deliverer) learnCircuits(ctx context.Context, p people.Person) {
	d.host.LearnCircuits(p.Host, append(d.callable(ctx, p), d.asking(ctx)...))
}

// asking returns those of our relays that may know whom we call: not one that takes passes,
// or may take them for all we know, so that it does not learn who writes to us.
func (d *Deliverer) asking(ctx context.Context) (keys []transport.Key) {
	var rows []store.Relay
	err := d.cfg.Store.Glance(ctx, func(tx *store.Tx) (err error) {
		rows, err = tx.Relays()
		return err
	})
	for _, k := range d.relays.Keys() {
		if err == nil && slices.ContainsFunc(rows, func(r store.Relay) bool { return r.Key == k && r.Unsealed }) {
			keys = append(keys, k)
		}
	}
	return keys
}

// callable returns those relays of a contact that may know that we call it.
func (d *Deliverer) callable(ctx context.Context, p people.Person) []transport.Key {
	var keys []transport.Key
	for _, u := range p.Relays {
		if d.mayCall(ctx, p, u.Key) {
			keys = append(keys, u.Key)
		}
	}
	return keys
}

// mayCall reports whether a relay may know that we call a contact. To one that takes our
// deposits with a pass we do not say who we are.
func (d *Deliverer) mayCall(ctx context.Context, p people.Person, relay transport.Key) bool {
	pass, _, err := d.passAt(ctx, p, relay)
	return err == nil && pass == nil
}

// offer is a relay of a contact.
type offer struct {
	of *people.Person
	at transport.Key
}

// borrow returns relays of contacts, no homes of ours, to which there is a link, and, if
// we are alone, any others, to which it begins to connect: those that it just connects to,
// then those that did not fail, then those that failed long ago.
func (d *Deliverer) borrow(ctx context.Context, homes, last []transport.Key, alone bool) (keys []transport.Key) {
	seen := make(map[transport.Key]bool) // many contacts share few relays
	for _, k := range homes {
		seen[k] = true
	}
	var offers []offer
	for _, p := range d.people.All() {
		for _, u := range p.Relays {
			if !seen[u.Key] {
				offers = append(offers, offer{&p, u.Key})
			}
		}
	}
	take := func(fits func(transport.Key) bool) {
		for _, o := range offers {
			if len(keys) == borrowMost || seen[o.at] || !fits(o.at) {
				continue
			}
			seen[o.at] = true
			if d.mayCall(ctx, *o.of, o.at) {
				keys = append(keys, o.at)
			}
		}
	}
	take(func(k transport.Key) bool { return d.links.Now(k) != nil })
	if !alone {
		return keys
	}
	linked := len(keys)
	// No contact chooses who is first, and not all who are alone go to the same.
	rand.Shuffle(len(offers), func(i, j int) { offers[i], offers[j] = offers[j], offers[i] })
	slices.SortStableFunc(offers, func(a, b offer) int { return d.links.Failed(a.at).Compare(d.links.Failed(b.at)) })
	take(func(k transport.Key) bool { return slices.Contains(last, k) })
	take(func(transport.Key) bool { return true })
	for _, k := range keys[linked:] {
		d.tasks.Run(func(ctx context.Context) { _, _ = d.links.Get(ctx, k) })
	}
	return keys
}
