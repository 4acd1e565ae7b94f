package deliver

import (
	"context"
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
	for {
		homes := d.relays.Keys()
		if slices.ContainsFunc(homes, func(k transport.Key) bool { return d.links.Now(k) != nil }) {
			reached = time.Now()
		}
		alone := len(homes) == 0 || time.Since(reached) >= borrowEvery
		d.host.Reserve(homes, d.borrow(ctx, homes, alone))
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
// so that it does not learn who writes to us.
func (d *Deliverer) asking(ctx context.Context) (keys []transport.Key) {
	var rows []store.Relay
	err := d.cfg.Store.Glance(ctx, func(tx *store.Tx) (err error) {
		rows, err = tx.Relays()
		return err
	})
	for _, k := range d.relays.Keys() {
		if err == nil && !slices.ContainsFunc(rows, func(r store.Relay) bool { return r.Key == k && r.Sealed }) {
			keys = append(keys, k)
		}
	}
	return keys
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

// borrow returns relays of contacts, no homes of ours, to which there is a link, or, if
// we are alone, to which it begins to connect.
func (d *Deliverer) borrow(ctx context.Context, homes []transport.Key, alone bool) []transport.Key {
	var keys []transport.Key
	for _, p := range d.people.All() {
		if !alone && !slices.ContainsFunc(p.Relays, func(u transport.RelayURL) bool { return d.links.Now(u.Key) != nil }) {
			continue
		}
		for _, k := range d.callable(ctx, p) {
			if len(keys) == borrowMost {
				return keys
			}
			if slices.Contains(keys, k) || slices.Contains(homes, k) || !alone && d.links.Now(k) == nil {
				continue
			}
			keys = append(keys, k)
			d.tasks.Run(func(ctx context.Context) { _, _ = d.links.Get(ctx, k) })
		}
	}
	return keys
}
