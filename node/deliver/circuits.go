package deliver

import (
	"context"
	"slices"
	"time"

	"quicnprotochat/node/deliver/people"
	"quicnprotochat/rpc"
	"quicnprotochat/transport"
)

const (
	// borrowMost is at how many relays of contacts a node without one of its own can
	// be called.
	borrowMost = 2
	// borrowEvery is how often it looks whether it is still connected to them.
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

// circuits keeps, until ctx ends, through which relays others may call us: our own,
// else those of contacts.
func (d *Deliverer) circuits(ctx context.Context) {
	tick := time.NewTicker(borrowEvery)
	defer tick.Stop()
	for {
		relays := d.relays.Keys()
		if len(relays) == 0 {
			relays = d.borrow(ctx)
		}
		d.host.Reserve(relays)
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

// learnCircuits notes through which relays we may call a contact: its own, and, of
// who has none, ours, which it may have borrowed.
func (d *Deliverer) learnCircuits(ctx context.Context, p people.Person) {
	relays := d.relays.Keys()
	if len(p.Relays) > 0 {
		relays = d.callable(ctx, p)
	}
	d.host.LearnCircuits(p.Host, relays)
}

// callable returns those relays of a contact that may know that we call it. To one
// that takes our deposits with a pass we do not say who we are.
func (d *Deliverer) callable(ctx context.Context, p people.Person) []transport.Key {
	var keys []transport.Key
	for _, u := range p.Relays {
		if pass, _, err := d.passAt(ctx, p, u.Key); err == nil && pass == nil {
			keys = append(keys, u.Key)
		}
	}
	return keys
}

// borrow connects to relays of contacts and returns their keys.
func (d *Deliverer) borrow(ctx context.Context) []transport.Key {
	var keys []transport.Key
	for _, p := range d.people.All() {
		if len(keys) == borrowMost {
			break
		}
		for _, k := range d.callable(ctx, p) {
			if len(keys) < borrowMost && !slices.Contains(keys, k) {
				keys = append(keys, k)
				d.tasks.Run(func(ctx context.Context) { _, _ = d.links.Get(ctx, k) })
			}
		}
	}
	return keys
}
