package reach

import (
	"context"
	"log/slog"
	"slices"
	"sync"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"quicnprotochat/transport/address"
	"quicnprotochat/transport/circuit"
	"quicnprotochat/transport/ipspace"
	"quicnprotochat/transport/outside"
	"quicnprotochat/transport/punch"
)

// Config says what is done. Host, Local, Offer, Reason, Changed and Log are required.
type Config struct {
	Host host.Host
	// MayPunch says who may learn our addresses. Default: nobody; then only Circuits
	// counts.
	MayPunch func(address.Key) bool
	// Local are the addresses of the machine itself that the host listens on.
	Local func() []address.Addr
	// Ports is what asks the router for ports. Default: nothing does.
	Ports outside.Ports
	// Offer puts addresses where the host looks for them when it dials.
	Offer func(p peer.ID, addrs []ma.Multiaddr)
	// Circuits says how circuits are lent. Default: none are.
	Circuits *circuit.Config
	// Reason returns one clean line for an error.
	Reason func(error) string
	// Changed is called, without locks held, when Reachability has changed.
	Changed func()
	Log     *slog.Logger
}

// Reach does it, for one host. Its methods may be called by many goroutines.
type Reach struct {
	cfg     Config
	server  *circuit.Server // nil if no circuits are lent
	watch   *outside.Watch  // nil, as the next two, if nothing is punched
	kept    *punch.Reservations
	puncher *punch.Puncher

	// mu guards the fields below: the live connections that were punched, by their ids,
	// and the relays that are not borrowed.
	mu      sync.Mutex
	punched map[string]bool
	homes   []peer.ID
}

// Open begins it. Call it before the host has connections.
func Open(cfg Config) (*Reach, error) {
	r := &Reach{cfg: cfg, punched: make(map[string]bool)}
	var err error
	if cfg.Circuits != nil {
		if r.server, err = circuit.Serve(cfg.Host, *cfg.Circuits); err != nil {
			return nil, err
		}
	}
	if cfg.MayPunch == nil {
		return r, nil
	}
	r.kept = punch.NewReservations(cfg.Host, cfg.Log, cfg.Changed)
	r.watch, err = outside.New(outside.Config{
		Host: cfg.Host, Trusted: r.trusts, Heard: r.kept.Keeps, Own: func() []ma.Multiaddr { return address.Multiaddrs(cfg.Local()) },
		Ports: cfg.Ports, Changed: cfg.Changed, Log: cfg.Log,
	})
	if err != nil {
		r.Close()
		return nil, err
	}
	r.puncher = punch.New(punch.Config{
		Host: cfg.Host, Addrs: func() []ma.Multiaddr { return address.Multiaddrs(r.told()) },
		Allowed: func(p peer.ID) bool {
			k, err := address.KeyOfPeer(p)
			return err == nil && cfg.MayPunch(k)
		},
		Take: r.take, Offer: cfg.Offer, Made: r.made, Log: cfg.Log,
	})
	return r, nil
}

// Run keeps reservations and watches until ctx ends. It is called once.
func (r *Reach) Run(ctx context.Context) {
	if r.watch == nil {
		return
	}
	var wg sync.WaitGroup
	wg.Go(func() { r.kept.Run(ctx) })
	wg.Go(func() { r.watch.Run(ctx) })
	wg.Wait()
}

// Close ends what Run does not. It is called before the host is closed.
func (r *Reach) Close() {
	if r != nil {
		r.puncher.Close()
		r.server.Close()
	}
}

// Reserve says by which relays others may call us, instead of those named before. The
// word on our address of those that are borrowed counts only while no home is connected.
func (r *Reach) Reserve(homes, borrowed []address.Key) {
	if r.kept == nil {
		return
	}
	r.mu.Lock()
	r.homes = peers(homes)
	r.mu.Unlock()
	r.kept.Keep(peers(slices.Concat(homes, borrowed)))
	r.watch.Wake()
}

// trusts reports whether the word of a relay on our address counts.
func (r *Reach) trusts(p peer.ID) bool {
	r.mu.Lock()
	homes := r.homes
	r.mu.Unlock()
	if slices.Contains(homes, p) {
		return true
	}
	return r.kept.Keeps(p) && !slices.ContainsFunc(homes, func(home peer.ID) bool {
		return r.cfg.Host.Network().Connectedness(home) == network.Connected
	})
}

// Punches reports whether holes are punched at all.
func (r *Reach) Punches() bool { return r.puncher != nil }

// Punch makes a direct connection to k over circuits of relays, see
// punch.Puncher.Connect.
func (r *Reach) Punch(ctx context.Context, k address.Key, relays []address.Key) error {
	return r.puncher.Connect(ctx, k.PeerID(), peers(relays))
}

// Forget forgets where punching failed: something has changed.
func (r *Reach) Forget() { r.puncher.Forget() }

// Outside returns the public addresses that are not of this machine's interfaces and
// may lead to it. Those that a relay tried in vain are left out.
func (r *Reach) Outside() []address.Addr { return r.outside(false) }

func (r *Reach) outside(shutToo bool) []address.Addr {
	state := r.Reachability()
	candidates := slices.Clone(state.PortMapAddrs)
	for _, o := range state.Seen {
		candidates = append(candidates, o.Addr)
	}
	var out []address.Addr
	for _, a := range candidates {
		shut := slices.ContainsFunc(state.Checks, func(c Check) bool { return c.Addr == a && !c.Open })
		if a.IsPublic() && a.CanDial() && (shutToo || !shut) && !slices.Contains(out, a) {
			out = append(out, a)
		}
	}
	return out
}

// told are the addresses that a peer is told when both are to punch.
func (r *Reach) told() []address.Addr {
	addrs := r.outside(true)
	for _, a := range r.cfg.Local() {
		if a.IsQUIC() && !slices.Contains(addrs, a) {
			addrs = append(addrs, a)
		}
	}
	return addrs[:min(len(addrs), punch.MaxAddrs)]
}

// take returns those of the addresses that a peer told for punching which we dial.
func (r *Reach) take(_ peer.ID, told []ma.Multiaddr) []ma.Multiaddr {
	theirs := slices.DeleteFunc(address.All(told), func(a address.Addr) bool { return !a.IsQUIC() || !a.CanDial() })
	ours := slices.DeleteFunc(r.told(), func(a address.Addr) bool { return !a.IsPublic() })
	near := len(ours) == 0 || slices.ContainsFunc(theirs, func(a address.Addr) bool {
		return slices.ContainsFunc(ours, func(b address.Addr) bool { return a.Host() == b.Host() })
	})
	return address.Multiaddrs(slices.DeleteFunc(theirs, func(a address.Addr) bool {
		ip, ok := a.IP()
		if !ok || ip.IsLinkLocalUnicast() {
			return true
		}
		scope := ipspace.Of(ip)
		return scope < ipspace.Local || scope == ipspace.Local && !near
	}))
}

// made marks a connection that was punched.
func (r *Reach) made(c network.Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.punched[c.ID()] = true
	if c.IsClosed() { // Disconnected may have been called
		delete(r.punched, c.ID())
	}
}

// Disconnected forgets a connection that ended.
func (r *Reach) Disconnected(c network.Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.punched, c.ID())
}

// Punched reports whether a connection was punched.
func (r *Reach) Punched(c network.Conn) bool {
	if r.puncher.Punching(c) {
		return true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.punched[c.ID()]
}

func peers(keys []address.Key) []peer.ID {
	ids := make([]peer.ID, len(keys))
	for i, k := range keys {
		ids[i] = k.PeerID()
	}
	return ids
}
