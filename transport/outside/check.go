package outside

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/p2p/protocol/autonatv2"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// check asks relays whether our addresses are open to everybody, one at a time,
// until ctx ends.
func (w *Watch) check(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		w.forget()
		for _, addr := range w.unchecked() {
			result, err := w.nat.GetReachability(ctx, []autonatv2.Request{{Addr: addr}})
			if errors.Is(err, autonatv2.ErrNoPeers) || ctx.Err() != nil {
				break // none is there, or each was asked a short while ago
			}
			if err != nil || result.AllAddrsRefused || result.Reachability == network.ReachabilityUnknown {
				w.cfg.Log.Debug("not dialled back", "addr", addr, "err", err)
				continue
			}
			w.note(Check{Addr: addr, Open: result.Reachability == network.ReachabilityPublic, At: time.Now()})
		}
	}
}

// unchecked returns the addresses that relays could dial and nobody knows whether
// they are open, what the router forwards first.
func (w *Watch) unchecked() []ma.Multiaddr {
	s := w.State()
	addrs := slices.Clone(s.Mapped)
	for _, o := range s.Seen {
		if !slices.ContainsFunc(addrs, o.Addr.Equal) {
			addrs = append(addrs, o.Addr)
		}
	}
	return slices.DeleteFunc(addrs, func(a ma.Multiaddr) bool {
		known := slices.ContainsFunc(s.Checks, func(c Check) bool { return c.Addr.Equal(a) })
		return known || !manet.IsPublicAddr(a)
	})
}

// note keeps an answer.
func (w *Watch) note(c Check) {
	w.mu.Lock()
	w.checks[string(c.Addr.Bytes())] = c
	w.mu.Unlock()
	w.cfg.Log.Debug("dialled back", "addr", c.Addr, "open", c.Open)
	w.Wake()
}

// forget drops old answers, and those on addresses that are no longer ours.
func (w *Watch) forget() {
	s := w.State()
	w.mu.Lock()
	defer w.mu.Unlock()
	for key, c := range w.checks {
		ours := slices.ContainsFunc(s.Mapped, c.Addr.Equal) || slices.ContainsFunc(s.Seen, func(o Seen) bool { return o.Addr.Equal(c.Addr) })
		if !ours || time.Since(c.At) > checkLife {
			delete(w.checks, key)
		}
	}
}
