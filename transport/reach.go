package transport

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	bhost "github.com/libp2p/go-libp2p/p2p/host/basic"
	ma "github.com/multiformats/go-multiaddr"

	"quicnprotochat/transport/circuit"
	"quicnprotochat/transport/ipspace"
	"quicnprotochat/transport/outside"
	"quicnprotochat/transport/punch"
)

// reach is what a Host does so that it can be reached through NATs. The zero reach
// does nothing.
type reach struct {
	ports   outside.Ports // nil if no router is asked
	watch   *outside.Watch
	kept    *punch.Reservations
	puncher *punch.Puncher
	server  *circuit.Server
	changed chan struct{} // of size 1

	// mu guards punched: the live connections that were punched, by their ids.
	mu      sync.Mutex
	punched map[string]bool
}

// openReach begins it for a host that listens.
func (h *Host) openReach() error {
	r := &h.reach
	r.changed = make(chan struct{}, 1)
	if h.cfg.Circuits {
		if err := h.lendCircuits(); err != nil {
			return err
		}
	}
	if h.cfg.MayPunch == nil {
		return nil
	}
	r.kept = punch.NewReservations(h.host, h.log, h.reachChanged)
	watch, err := outside.New(outside.Config{
		Host: h.host, Trusted: r.kept.Keeps, Own: func() []ma.Multiaddr { return multiaddrs(dialable(h.listening())) },
		Ports: r.ports, Changed: h.reachChanged, Log: h.log,
	})
	if err != nil {
		return err
	}
	r.watch = watch
	h.start(func() { r.kept.Run(h.ctx) })
	h.start(func() { r.watch.Run(h.ctx) })
	r.puncher = punch.New(punch.Config{
		Host: h.host, Addrs: func() []ma.Multiaddr { return multiaddrs(h.punchAddrs()) },
		Allowed: func(p peer.ID) bool {
			k, err := keyOfID(p)
			return err == nil && h.cfg.MayPunch(k)
		},
		Take: h.takeAddrs, Offer: h.offer, Log: h.log,
	})
	return nil
}

// lendCircuits begins what a server does for those behind NATs.
func (h *Host) lendCircuits() error {
	cfg := circuit.Config{Reservations: h.cfg.MaxReservations, PerAddress: h.cfg.MaxConnsPerAddr}
	if may := h.cfg.MayReserve; may != nil {
		cfg.MayReserve = func(p peer.ID) bool {
			k, err := keyOfID(p)
			return err == nil && may(k)
		}
	}
	if h.cfg.ownSockets() {
		dialer, err := newDialer()
		if err != nil {
			return err
		}
		cfg.Dialer = dialer
	}
	server, err := circuit.Serve(h.host, cfg)
	h.reach.server = server
	return err
}

// close ends all of it but what runs in goroutines of the host.
func (r *reach) close() {
	r.puncher.Close()
	r.server.Close()
}

// reachChanged wakes watchAddrs.
func (h *Host) reachChanged() {
	select {
	case h.reach.changed <- struct{}{}:
	default:
	}
}

// Reserve says by which relays others may call us for punching, instead of those
// named before. It dials none: there is a reservation while there is a connection.
func (h *Host) Reserve(relays []Key) {
	if h.reach.kept == nil {
		return
	}
	ids := make([]peer.ID, len(relays))
	for i, k := range relays {
		ids[i] = k.id()
	}
	h.reach.kept.Keep(ids)
	h.reach.watch.Wake()
}

// LearnCircuits notes by which relays k may be called for punching, instead of
// those named before.
func (h *Host) LearnCircuits(k Key, relays []Key) {
	if k == h.key || k.IsZero() {
		return
	}
	h.book.learnCircuits(k, relays, time.Now())
}

// punchAddrs are those that a peer is told when both are to punch.
func (h *Host) punchAddrs() []Addr {
	addrs := h.outsideAddrs(true)
	for _, a := range dialable(h.listening()) {
		if a.IsQUIC() && !slices.Contains(addrs, a) {
			addrs = append(addrs, a)
		}
	}
	return addrs[:min(len(addrs), punch.MaxAddrs)]
}

// takeAddrs returns those of the addresses that a peer told for punching which we
// dial: public ones, and those of private networks if it may be behind the same
// NAT. Never loopback and link-local ones, nor names.
func (h *Host) takeAddrs(_ peer.ID, told []ma.Multiaddr) []ma.Multiaddr {
	var theirs []Addr
	for _, m := range told {
		if a, err := addrOf(m); err == nil && a.IsQUIC() && a.CanDial() {
			theirs = append(theirs, a)
		}
	}
	ours := publicOnly(h.punchAddrs())
	near := len(ours) == 0 || slices.ContainsFunc(theirs, func(a Addr) bool {
		return slices.ContainsFunc(ours, func(b Addr) bool { return a.Host() == b.Host() })
	})
	theirs = slices.DeleteFunc(theirs, func(a Addr) bool {
		ip, ok := a.IP()
		return !ok || ip.IsLinkLocalUnicast() || ipspace.Of(ip) < ipspace.Local || ipspace.Of(ip) == ipspace.Local && !near
	})
	return multiaddrs(theirs)
}

// punch tries to connect k over circuits, unless that failed a short while ago, and
// says what became of it; nil if it was not tried.
func (h *Host) punch(ctx context.Context, k Key, relays []Key) []Attempt {
	var ids []peer.ID
	for _, r := range relays {
		if r != k && r != h.key {
			ids = append(ids, r.id())
		}
	}
	if len(ids) == 0 {
		return nil
	}
	err := h.reach.puncher.Connect(ctx, k.id(), ids)
	if err == nil || errors.Is(err, punch.ErrLately) {
		return nil
	}
	h.log.Debug("not punched", "peer", k, "err", err)
	var out []Attempt
	for _, r := range relays {
		out = append(out, failed(Addr("/p2p/"+r.String()+"/p2p-circuit"), err, time.Now()))
	}
	return out
}

// notePunched marks a new connection if it is one that was punched, and forget
// ends that.
func (r *reach) notePunched(c network.Conn) {
	if !r.puncher.Punching(c.RemotePeer()) {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.punched == nil {
		r.punched = make(map[string]bool)
	}
	r.punched[c.ID()] = true
}

func (r *reach) forget(c network.Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.punched, c.ID())
}

// wasPunched reports whether c was marked.
func (r *reach) wasPunched(c network.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.punched[c.ID()]
}

// multiaddrs returns addresses as libp2p wants them.
func multiaddrs(addrs []Addr) []ma.Multiaddr {
	out := make([]ma.Multiaddr, 0, len(addrs))
	for _, a := range addrs {
		if m := a.multiaddr(); m != nil {
			out = append(out, m)
		}
	}
	return out
}

// addrsOf returns those of addrs that have one of the forms that Addr lists.
func addrsOf(addrs []ma.Multiaddr) []Addr {
	var out []Addr
	for _, m := range addrs {
		if a, err := addrOf(m); err == nil {
			out = append(out, a)
		}
	}
	return out
}

// portMapper asks the router for ports, and keeps what does in r.
func (r *reach) portMapper(n network.Network) bhost.NATManager {
	m := bhost.NewNATManager(n)
	r.ports = m
	return m
}
