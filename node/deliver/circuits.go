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
	// borrowEvery is how often it looks at which, and for how long none of its own must be
	// reached before it connects to any for that.
	borrowEvery = 30 * time.Second
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
	tick := time.NewTicker(borrowEvery)
	defer tick.Stop()
	reached := time.Now()
	var borrowed []transport.Key
	for {
		homes := d.relays.Keys()
		if slices.ContainsFunc(homes, func(k transport.Key) bool { return d.links.Now(k) != nil }) {
			reached = time.Now()
		}
		alone := len(homes) == 0 || time.Since(reached) >= borrowEvery
		borrowed = d.borrow(ctx, homes, borrowed, alone)
		d.host.Reserve(homes, borrowed)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
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

// borrow returns relays of contacts, no homes of ours, to which there is a link, and, if
// we are alone, those of last time and any others, to which it begins to connect, but for
// those that did not answer a short while ago.
func (d *Deliverer) borrow(ctx context.Context, homes, last []transport.Key, alone bool) (keys []transport.Key) {
	seen := make(map[transport.Key]bool) // many contacts share few relays
	for _, k := range homes {
		seen[k] = true
	}
	all := d.people.All()
	take := func(fits func(transport.Key) bool) {
		for _, p := range all {
			for _, u := range p.Relays {
				if len(keys) == borrowMost || seen[u.Key] || !fits(u.Key) {
					continue
				}
				seen[u.Key] = true
				if d.mayCall(ctx, p, u.Key) {
					keys = append(keys, u.Key)
				}
			}
		}
	}
	take(func(k transport.Key) bool { return d.links.Now(k) != nil })
	if !alone {
		return keys
	}
	// Any: no contact chooses who is asked first, and not all who are alone ask the same.
	rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	linked := len(keys)
	take(func(k transport.Key) bool { return slices.Contains(last, k) && !d.links.Failed(k) })
	take(func(k transport.Key) bool { return !d.links.Failed(k) })
	for _, k := range keys[linked:] {
		d.tasks.Run(func(ctx context.Context) { _, _ = d.links.Get(ctx, k) })
	}
	return keys
}
