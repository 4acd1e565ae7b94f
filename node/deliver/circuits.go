package deliver

import (
	"context"
	"slices"
	"time"

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
	_, ok := d.people.of(rpc.Identity(k))
	return ok
}

// circuits keeps, until ctx ends, which relays others may call us through, and
// through which we may call contacts: those of their own, and, of who has none,
// ours, as it may do the same.
func (d *Deliverer) circuits(ctx context.Context) {
	tick := time.NewTicker(borrowEvery)
	defer tick.Stop()
	for {
		own := d.relays.keys()
		everybody := d.people.all()
		for _, p := range everybody {
			d.learnCircuits(p)
		}
		if len(own) == 0 {
			own = d.borrow(everybody)
		}
		d.host.Reserve(own)
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

// learnCircuits notes through which relays a contact may be called.
func (d *Deliverer) learnCircuits(p person) {
	relays := relayKeys(p.relays)
	if len(relays) == 0 {
		relays = d.relays.keys()
	}
	d.host.LearnCircuits(p.host, relays)
}

// borrow connects to relays of contacts and returns their keys.
func (d *Deliverer) borrow(everybody []person) []transport.Key {
	var keys []transport.Key
	for _, p := range everybody {
		for _, k := range relayKeys(p.relays) {
			if len(keys) < borrowMost && !slices.Contains(keys, k) {
				keys = append(keys, k)
				d.tasks.run(func(ctx context.Context) { _, _ = d.links.get(ctx, k) })
			}
		}
	}
	return keys
}

func relayKeys(urls []transport.RelayURL) []transport.Key {
	keys := make([]transport.Key, len(urls))
	for i, u := range urls {
		keys[i] = u.Key
	}
	return keys
}
