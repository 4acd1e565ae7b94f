package portmap

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-netroute"

	"quicnprotochat/transport/portmap/igd"
)

const (
	// lifetime is for how long a port is asked for (RFC 6886, section 3.3): it is asked
	// for again when half of it is over.
	lifetime = 2 * time.Hour
	// noRouter is the time between two looks for a router that answers; another router is
	// asked within lookEvery, which costs no packet.
	noRouter  = time.Hour
	lookEvery = 5 * time.Second
	// goodbye bounds giving the ports back.
	goodbye = 500 * time.Millisecond
)

// Config says what is asked for. All fields are required.
type Config struct {
	// Ports are the UDP ports that are to be reached.
	Ports func() []uint16
	// Seen are the IP addresses that others see us at, in order; none if that is not
	// known. When they change, the router is asked anew.
	Seen func() []netip.Addr
	// Shut reports whether somebody outside has tried an address in vain. When that is
	// one that the router forwards, it is asked anew: it may have forgotten.
	Shut func(netip.AddrPort) bool
	Log  *slog.Logger
}

// Client asks the router. Its methods may be called by many goroutines.
type Client struct {
	cfg Config

	// mu guards the fields below.
	mu     sync.Mutex
	router bool // one answers
	mapped map[uint16]netip.AddrPort
}

// New returns a Client that asks nobody before Run.
func New(cfg Config) *Client { return &Client{cfg: cfg} }

// Router reports whether a router answers.
func (c *Client) Router() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.router
}

// Mapped returns where a port of ours is reached from outside.
func (c *Client) Mapped(port uint16) (outside netip.AddrPort, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	outside, ok = c.mapped[port]
	return outside, ok
}

// place is where this machine is: the router on its way to the internet, and its own
// address there. They are invalid if there is no way.
type place struct{ router, own netip.Addr }

// speaker asks one router in one protocol.
type speaker interface {
	// External returns the router's address outside.
	External(ctx context.Context) (netip.Addr, error)
	// Map lets the router forward a UDP port for a time that it may shorten, from the
	// port outside that is wanted if it can be had; 0 is the same port.
	Map(ctx context.Context, port, wanted uint16, life time.Duration) (outside uint16, granted time.Duration, err error)
	// Unmap lets it forward that no more.
	Unmap(ctx context.Context, port, outside uint16) error
}

// upnp is a router that speaks UPnP.
type upnp struct{ *igd.Gateway }

// Map implements speaker.
func (u upnp) Map(ctx context.Context, port, wanted uint16, life time.Duration) (uint16, time.Duration, error) {
	outside, err := u.Gateway.Map(ctx, port, wanted, life)
	return outside, life, err
}

// Unmap implements speaker.
func (u upnp) Unmap(ctx context.Context, _, outside uint16) error {
	return u.Gateway.Unmap(ctx, outside)
}

// Run keeps the ports until ctx ends. It is called once.
func (c *Client) Run(ctx context.Context) {
	var last look
	var next time.Time
	var with speaker // nil: no router answers
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for ctx.Err() == nil {
		now := c.look(last)
		if now.place != last.place {
			with = nil
		}
		if now.news(last) || due(next) {
			with, next = c.ask(ctx, now, with)
		}
		last = now
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
	c.giveBack(with)
}

// due reports whether it is time, by the clock on the wall too, which goes on in sleep.
func due(next time.Time) bool {
	now := time.Now()
	return !now.Before(next) || !now.Round(0).Before(next.Round(0))
}

// look is what decides whether the router is asked.
type look struct {
	place
	ports []uint16
	seen  []netip.Addr
	shut  bool // what it forwards does not lead here
}

// look looks; what is not known now is as it was.
func (c *Client) look(last look) look {
	now := look{place: gateway(), ports: c.cfg.Ports(), seen: c.cfg.Seen()}
	if len(now.seen) == 0 {
		now.seen = last.seen
	}
	c.mu.Lock()
	mapped := slices.Collect(maps.Values(c.mapped))
	c.mu.Unlock()
	now.shut = slices.ContainsFunc(mapped, c.cfg.Shut)
	return now
}

// news reports whether something is other than it was.
func (l look) news(last look) bool {
	moved := len(last.seen) > 0 && !slices.Equal(l.seen, last.seen)
	return moved || l.place != last.place || l.shut && !last.shut || !slices.Equal(l.ports, last.ports)
}

// ask asks the router for ports. It returns how it was asked, and when it is to be asked
// again.
func (c *Client) ask(ctx context.Context, at look, with speaker) (speaker, time.Time) {
	life, mapped := noRouter, make(map[uint16]netip.AddrPort)
	var external netip.Addr
	var err error
	if at.router.IsValid() && len(at.ports) > 0 {
		with, external, err = find(ctx, at.place, with)
	}
	for _, port := range at.ports {
		if with == nil {
			break
		}
		before, _ := c.Mapped(port)
		outside, granted, mapErr := with.Map(ctx, port, before.Port(), lifetime)
		if err = mapErr; err == nil {
			mapped[port] = netip.AddrPortFrom(external, outside)
			life = min(life, max(granted/2, time.Minute))
		}
	}
	c.cfg.Log.Debug("asked the router for ports", "router", at.router, "ports", len(mapped), "err", err)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.router, c.mapped = with != nil, mapped
	return with, time.Now().Add(life)
}

// find returns how the router is asked, which is as before if that still works, and its
// address outside.
func find(ctx context.Context, at place, with speaker) (speaker, netip.Addr, error) {
	if with != nil {
		if external, err := with.External(ctx); err == nil {
			return with, external, nil
		}
	}
	pmp := natPMP{at.router}
	external, err := pmp.External(ctx)
	if err == nil {
		return pmp, external, nil
	}
	if !at.own.IsValid() {
		return nil, netip.Addr{}, err
	}
	g, external, upnpErr := igd.Find(ctx, at.own, at.router)
	if upnpErr != nil {
		return nil, netip.Addr{}, errors.Join(err, upnpErr)
	}
	return upnp{g}, external, nil
}

// giveBack lets the router forward nothing more.
func (c *Client) giveBack(with speaker) {
	if with == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), goodbye)
	defer cancel()
	c.mu.Lock()
	mapped := maps.Clone(c.mapped)
	c.mu.Unlock()
	for port, outside := range mapped {
		if err := with.Unmap(ctx, port, outside.Port()); err != nil {
			c.cfg.Log.Debug("give a port back", "err", err)
		}
	}
}

// gateway is where this machine is now.
func gateway() place {
	routes, err := netroute.New()
	if err != nil {
		return place{}
	}
	// No packet is sent there: it stands for all that is afar.
	_, router, own, err := routes.Route(net.IPv4(8, 8, 8, 8))
	if err != nil {
		return place{}
	}
	var p place
	if ip, ok := netip.AddrFromSlice(router); ok && ip.Unmap().Is4() && !ip.Unmap().IsUnspecified() {
		p.router = ip.Unmap()
	}
	if ip, ok := netip.AddrFromSlice(own); ok && ip.Unmap().Is4() && !ip.Unmap().IsUnspecified() {
		p.own = ip.Unmap()
	}
	return p
}
