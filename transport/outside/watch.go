package outside

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/p2p/host/eventbus"
	"github.com/libp2p/go-libp2p/p2p/protocol/autonatv2"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

const (
	// lookEvery is how often the router's port and the age of checks are looked at.
	lookEvery = 5 * time.Second
	// checkLife is how long the answer to "is this address open?" is believed.
	checkLife = 20 * time.Minute
	// maxSeen bounds the connections over which we were told an address.
	maxSeen = 64
)

// Mapping is how the NAT before us chooses the port that others see.
type Mapping int

const (
	// MappingUnknown means that fewer than two relays saw us, or none.
	MappingUnknown Mapping = iota
	// MappingNone means that there is no NAT: a relay saw an address of this machine.
	MappingNone
	// MappingIndependent means one port for all destinations: it can be punched.
	MappingIndependent
	// MappingDependent means another port for each destination: between two of
	// these nothing can be punched.
	MappingDependent
)

// Config says what is watched. All fields but Ports are required.
type Config struct {
	Host host.Host
	// Trusted says whose word on our address counts, and who is asked to dial it back,
	// Heard whose shows the kind of NAT.
	Trusted, Heard func(peer.ID) bool
	// Own are the addresses of this machine's interfaces that the host listens on.
	Own func() []ma.Multiaddr
	// Ports is what asks the router for a port; nil if nothing does.
	Ports Ports
	// Changed is called, without locks held, when State has changed.
	Changed func()
	Log     *slog.Logger
}

// Ports is what asks the router for ports.
type Ports interface {
	// Mapping is where a listening address is reached from outside, nil if nowhere.
	Mapping(listening ma.Multiaddr) ma.Multiaddr
	// Router says that a router answers.
	Router() bool
}

// Seen is an address of ours that somebody saw.
type Seen struct {
	By   peer.ID
	Addr ma.Multiaddr
}

// Check is the answer to whether an address is open to everybody.
type Check struct {
	Addr ma.Multiaddr
	Open bool
	At   time.Time
}

// State is what is known at one moment.
type State struct {
	Seen    []Seen
	Mapping Mapping
	// Router says that there is one that forwards ports on request; Mapped are our
	// addresses there.
	Router bool
	Mapped []ma.Multiaddr
	Checks []Check
}

// Watch finds out, and keeps it.
type Watch struct {
	cfg      Config
	notifiee network.Notifiee
	nat      *autonatv2.AutoNAT
	wake     chan struct{} // of size 1

	// mu guards the fields below.
	mu     sync.Mutex
	seen   map[network.Conn]ma.Multiaddr
	checks map[string]Check // by the bytes of the address
}

// New returns a Watch that knows nothing before Run. Call it before the host has
// connections.
func New(cfg Config) (*Watch, error) {
	w := &Watch{cfg: cfg, wake: make(chan struct{}, 1), seen: make(map[network.Conn]ma.Multiaddr), checks: make(map[string]Check)}
	w.notifiee = &network.NotifyBundle{DisconnectedF: w.disconnected}
	var err error
	if w.nat, err = autonatv2.New(nobody{}); err == nil {
		err = w.nat.Start(asking{cfg.Host, cfg.Trusted})
	}
	if err != nil {
		return nil, fmt.Errorf("watch reachability: %w", err)
	}
	// A node asks and does not answer: relays dial back.
	cfg.Host.RemoveStreamHandler(autonatv2.DialProtocol)
	return w, nil
}

// nobody is a host that dials nobody back.
type nobody struct{ host.Host }

// Close implements host.Host.
func (nobody) Close() error { return nil }

// asking is a host that asks only those who are trusted to dial back: who answers in vain
// would have us tell nobody of an address that is open.
type asking struct {
	host.Host
	trusted func(peer.ID) bool
}

// errNotTrusted is that somebody offers to dial back whose word does not count.
var errNotTrusted = errors.New("its word does not count")

// NewStream implements host.Host.
func (a asking) NewStream(ctx context.Context, p peer.ID, protocols ...protocol.ID) (network.Stream, error) {
	if !a.trusted(p) {
		return nil, errNotTrusted
	}
	return a.Host.NewStream(ctx, p, protocols...)
}

// Run watches until ctx ends. It is called once.
func (w *Watch) Run(ctx context.Context) {
	defer w.nat.Close()
	sub, err := w.cfg.Host.EventBus().Subscribe(new(event.EvtPeerIdentificationCompleted), eventbus.Name("outside"))
	if err != nil {
		w.cfg.Log.Error("watch reachability", "err", err)
		return
	}
	defer sub.Close()
	w.cfg.Host.Network().Notify(w.notifiee)
	defer w.cfg.Host.Network().StopNotify(w.notifiee)
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { w.check(ctx) })
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	last := ""
	for {
		select {
		case <-ctx.Done():
			return
		case e := <-sub.Out():
			if e, ok := e.(event.EvtPeerIdentificationCompleted); ok {
				w.told(e.Conn, e.ObservedAddr)
			}
		case <-w.wake:
		case <-tick.C:
		}
		if now := fmt.Sprint(w.State()); now != last {
			last = now
			w.cfg.Changed()
		}
	}
}

// told notes the address that the other end of a connection sees us at.
func (w *Watch) told(c network.Conn, addr ma.Multiaddr) {
	if c == nil || c.Stat().Limited || !isQUIC(addr) || manet.IsIPLoopback(addr) || !w.listens(c.LocalMultiaddr()) {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.seen) < maxSeen && !c.IsClosed() {
		w.seen[c] = addr
	}
}

// isQUIC reports whether addr is IP/udp/PORT/quic-v1.
func isQUIC(addr ma.Multiaddr) bool {
	return len(addr) == 3 && (addr[0].Code() == ma.P_IP4 || addr[0].Code() == ma.P_IP6) && addr[1].Code() == ma.P_UDP && addr[2].Code() == ma.P_QUIC_V1
}

// listens reports whether the local end of a connection is a socket that others
// can dial.
func (w *Watch) listens(local ma.Multiaddr) bool {
	if !isQUIC(local) {
		return false
	}
	return slices.ContainsFunc(w.cfg.Host.Network().ListenAddresses(), func(a ma.Multiaddr) bool {
		return isQUIC(a) && a[0].Code() == local[0].Code() && a[1].Equal(&local[1])
	})
}

func (w *Watch) disconnected(_ network.Network, c network.Conn) {
	w.mu.Lock()
	_, was := w.seen[c]
	delete(w.seen, c)
	w.mu.Unlock()
	if was {
		w.Wake()
	}
}

// Wake has the state looked at anew: whom Config.Trusted names has changed.
func (w *Watch) Wake() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// State returns what is known now, in an order of its own.
func (w *Watch) State() State {
	var s State
	w.mu.Lock()
	for c, addr := range w.seen {
		s.Seen = append(s.Seen, Seen{By: c.RemotePeer(), Addr: addr})
	}
	s.Checks = slices.Collect(maps.Values(w.checks))
	w.mu.Unlock()
	s.Seen = slices.DeleteFunc(s.Seen, func(o Seen) bool { return !w.cfg.Heard(o.By) })
	s.Mapping = mappingOf(s.Seen, w.cfg.Own())
	s.Seen = slices.DeleteFunc(s.Seen, func(o Seen) bool { return !w.cfg.Trusted(o.By) })
	slices.SortFunc(s.Seen, func(a, b Seen) int {
		return strings.Compare(string(a.By)+a.Addr.String(), string(b.By)+b.Addr.String())
	})
	s.Seen = slices.CompactFunc(s.Seen, func(a, b Seen) bool { return a.By == b.By && a.Addr.Equal(b.Addr) })
	slices.SortFunc(s.Checks, func(a, b Check) int { return a.Addr.Compare(b.Addr) })
	if w.cfg.Ports != nil {
		s.Router = w.cfg.Ports.Router()
		s.Mapped = w.mapped()
	}
	return s
}

// mapped returns the ports at the router that lead to us.
func (w *Watch) mapped() []ma.Multiaddr {
	var out []ma.Multiaddr
	for _, a := range w.cfg.Host.Network().ListenAddresses() {
		if !isQUIC(a) {
			continue
		}
		if m := w.cfg.Ports.Mapping(a); m != nil && isQUIC(m) && !manet.IsIPUnspecified(m) {
			out = append(out, m)
		}
	}
	return ma.Unique(out)
}

// mappingOf tells the kind of NAT from what relays saw of us over IPv4. Two relays
// at one address are one.
func mappingOf(seen []Seen, own []ma.Multiaddr) Mapping {
	ends := make(map[netip.AddrPort]map[peer.ID]bool)
	observers := make(map[peer.ID]bool)
	for _, o := range seen {
		if o.Addr[0].Code() != ma.P_IP4 {
			continue
		}
		if slices.ContainsFunc(own, o.Addr.Equal) {
			return MappingNone
		}
		end, ok := endOf(o.Addr)
		if !ok {
			continue
		}
		if ends[end] == nil {
			ends[end] = make(map[peer.ID]bool)
		}
		ends[end][o.By], observers[o.By] = true, true
	}
	switch {
	case len(observers) < 2:
		return MappingUnknown
	case len(ends) == 1:
		return MappingIndependent
	default:
		return MappingDependent
	}
}

// endOf returns the IP address and port in a.
func endOf(a ma.Multiaddr) (netip.AddrPort, bool) {
	addr, err := manet.ToNetAddr(a[:2])
	if err != nil {
		return netip.AddrPort{}, false
	}
	end, err := netip.ParseAddrPort(addr.String())
	return end, err == nil
}
