package portmap

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-netroute"
)

const (
	routerPort = 5351
	// firstTry is how long an answer is waited for before the request is sent again;
	// each time twice as long, tries in all (RFC 6886, section 3.1, has nine).
	firstTry = 250 * time.Millisecond
	tries    = 4
	// lifetime is for how long a port is asked for (section 3.3): it is asked for again
	// when half of it is over.
	lifetime = 2 * time.Hour
	// noRouter is the time between two looks for a router that answers; another router is
	// asked within lookEvery, which costs no packet.
	noRouter  = 10 * time.Minute
	lookEvery = 5 * time.Second
	// goodbye bounds giving the ports back.
	goodbye = 500 * time.Millisecond
)

// Config says what is asked for. All fields are required.
type Config struct {
	// Wait is how long after the start the router is asked first.
	Wait time.Duration
	// Ports are the UDP ports that are to be reached; none while there is no need.
	Ports func() []uint16
	Log   *slog.Logger
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
func New(cfg Config) *Client {
	return &Client{cfg: cfg, mapped: make(map[uint16]netip.AddrPort)}
}

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

// Run keeps the ports until ctx ends. It is called once.
func (c *Client) Run(ctx context.Context) {
	next := time.Now().Add(c.cfg.Wait)
	begun := false
	var asked netip.Addr
	var ports []uint16
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			c.giveBack(asked, ports)
			return
		case now := <-tick.C:
			router, wanted := gateway(), c.cfg.Ports()
			if now.Before(next) && (!begun || router == asked && slices.Equal(wanted, ports)) {
				continue
			}
			begun, asked, ports = true, router, wanted
			next = now.Add(c.ask(ctx, router, ports))
		}
	}
}

// ask asks a router for ports, and returns when it is to be asked again.
func (c *Client) ask(ctx context.Context, router netip.Addr, ports []uint16) time.Duration {
	next, mapped := noRouter, make(map[uint16]netip.AddrPort)
	var external netip.Addr
	var err error
	if router.IsValid() && len(ports) > 0 {
		err = request(ctx, router, externalRequest(), func(b []byte) (err error) {
			external, err = parseExternal(b)
			return err
		})
	}
	for _, port := range ports {
		if !external.IsValid() {
			break
		}
		var got mapping
		err = request(ctx, router, mapRequest(port, lifetime), func(b []byte) (err error) {
			got, err = parseMapping(b, port)
			return err
		})
		if err == nil {
			mapped[port] = netip.AddrPortFrom(external, got.outside)
			next = min(next, max(got.life/2, time.Minute))
		}
	}
	c.cfg.Log.Debug("asked the router by NAT-PMP", "router", router, "ports", len(mapped), "err", err)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.router, c.mapped = external.IsValid(), mapped
	return next
}

// giveBack lets the router forward nothing more. Nobody waits for its answer.
func (c *Client) giveBack(router netip.Addr, ports []uint16) {
	ctx, cancel := context.WithTimeout(context.Background(), goodbye)
	defer cancel()
	for _, port := range ports {
		if _, ok := c.Mapped(port); ok {
			_ = request(ctx, router, mapRequest(port, 0), func([]byte) error { return nil })
		}
	}
}

// request sends a request until an answer is of use, or no more are waited for.
func request(ctx context.Context, router netip.Addr, packet []byte, use func([]byte) error) error {
	conn, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(router, routerPort)))
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Now()) })()
	b := make([]byte, maxPacket)
	for try := range tries {
		if _, err = conn.Write(packet); err != nil {
			return err
		}
		_ = conn.SetReadDeadline(time.Now().Add(firstTry << try))
		for err == nil && ctx.Err() == nil {
			var n int
			if n, err = conn.Read(b); err != nil {
				break
			}
			if err = use(b[:n]); !errors.Is(err, errOther) {
				return err
			}
			err = nil // of an older request
		}
		var late net.Error
		if ctx.Err() != nil || !errors.As(err, &late) || !late.Timeout() {
			return errors.Join(ctx.Err(), err)
		}
	}
	return err
}

// gateway is the router on the way to the internet; invalid if there is none.
func gateway() netip.Addr {
	routes, err := netroute.New()
	if err != nil {
		return netip.Addr{}
	}
	// No packet is sent there: it stands for all that is afar.
	_, router, _, err := routes.Route(net.IPv4(8, 8, 8, 8))
	if err != nil {
		return netip.Addr{}
	}
	ip, ok := netip.AddrFromSlice(router)
	if ip = ip.Unmap(); !ok || !ip.Is4() || ip.IsUnspecified() {
		return netip.Addr{}
	}
	return ip
}
