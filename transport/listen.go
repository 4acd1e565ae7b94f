package transport

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"syscall"
	"time"

	"quicnprotochat/transport/address"
	"quicnprotochat/transport/ipspace"
)

// addrsInterval is how often the machine's addresses are looked at.
const addrsInterval = 5 * time.Second

// defaultListen is what a Host listens on by default.
var defaultListen = []Addr{"/ip4/0.0.0.0/udp/0/quic-v1", "/ip6/::/udp/0/quic-v1"}

// Addrs returns the addresses at which others can dial the host: LocalAddrs, and
// where relays and the router say that it can be reached from outside. Public ones
// come first.
func (h *Host) Addrs() []Addr {
	local := h.LocalAddrs()
	out := h.reach.Outside()
	for _, a := range local {
		if !slices.Contains(out, a) {
			out = append(out, a)
		}
	}
	slices.SortStableFunc(out, func(a, b Addr) int { return boolOrder(!a.IsPublic(), !b.IsPublic()) })
	return out
}

// LocalAddrs returns the addresses of this machine that the host listens on. An
// unspecified listen address stands for all addresses of interfaces that are up, except
// link-local ones, and except loopback if there is anything else. Public ones come
// first.
func (h *Host) LocalAddrs() []Addr { return dialable(h.listening(), false) }

// lanAddrs are LocalAddrs for who is on the same network: with those that machines give
// themselves where nobody gives them any (RFC 3927).
func (h *Host) lanAddrs() []Addr { return dialable(h.listening(), true) }

// dialable returns the addresses that listening ones stand for, with link-local ones of IPv4
// or without.
func dialable(listening []Addr, linkLocal bool) []Addr {
	var out, loopback []Addr
	own := ipspace.Live()
	for _, a := range listening {
		ip, ok := a.IP()
		if !ok || !ip.IsUnspecified() {
			out = append(out, a)
			continue
		}
		for _, p := range own {
			addr, err := a.At(p.Addr())
			switch {
			case err != nil, p.Addr().Is4() != ip.Is4(), p.Addr().IsLinkLocalUnicast() && !(linkLocal && ip.Is4()):
			case p.Addr().IsLoopback():
				loopback = append(loopback, addr)
			case !slices.Contains(out, addr):
				out = append(out, addr)
			}
		}
	}
	if len(out) == 0 {
		return loopback
	}
	slices.SortStableFunc(out, func(a, b Addr) int { return boolOrder(!a.IsPublic(), !b.IsPublic()) })
	return out
}

// ListenPort returns the UDP port that the host listens on; the first one if
// there are several.
func (h *Host) ListenPort() uint16 {
	if addrs := h.listening(); len(addrs) > 0 {
		return addrs[0].Port()
	}
	return 0
}

// listen opens the sockets. It reports ErrListen, with the cause, unless all
// addresses work or only IPv6 is missing.
func (h *Host) listen(addrs []Addr) error {
	if len(addrs) == 0 {
		addrs = defaultListen
	}
	var port uint16
	var missing error
	listening := 0
	for _, a := range addrs {
		got, err := h.listenOn(a, port)
		switch {
		case err == nil:
			listening++
			if port == 0 {
				port = got
			}
		case mayMiss(a, err):
			missing = err
			h.log.Warn("not listening on an address", "addr", a, "err", err)
		default:
			return fmt.Errorf("%w on %s: %w", ErrListen, a, err)
		}
	}
	if listening == 0 {
		return fmt.Errorf("%w: %w", ErrListen, missing)
	}
	if h.cfg.TCP && h.cfg.ownSockets() {
		h.listenTCP()
	}
	return nil
}

// listenTCP listens on the TCP ports of the numbers of our UDP ports.
func (h *Host) listenTCP() {
	have := h.listening()
	for _, a := range have {
		if t := a.OverTCP(); a.IsQUIC() && !slices.Contains(have, t) {
			if err := h.listenAddr(t); err != nil {
				h.log.Warn("not listening for those whose network blocks UDP", "addr", t, "err", err)
			}
		}
	}
}

// mayMiss reports whether it is no error that there is no listening on a: a
// machine without IPv6.
func mayMiss(a Addr, err error) bool { return a.IsIP6() && !errors.Is(err, syscall.EADDRINUSE) }

// listenOn listens on a, with the port wanted rather than any if a leaves the
// choice and it is free, and returns the port.
func (h *Host) listenOn(a Addr, wanted uint16) (port uint16, err error) {
	if a.Port() == 0 && wanted != 0 {
		if err := h.listenAddr(a.WithPort(wanted)); err == nil {
			return wanted, nil
		}
	}
	before := h.listening()
	if err := h.listenAddr(a); err != nil {
		return 0, err
	}
	for _, now := range h.listening() {
		if !slices.Contains(before, now) {
			return now.Port(), nil
		}
	}
	return a.Port(), nil
}

// listening returns the addresses of our sockets, QUIC before TCP, IPv4 first.
func (h *Host) listening() []Addr {
	var out []Addr
	for _, m := range h.host.Network().ListenAddresses() {
		if a, err := address.Of(m); err == nil {
			out = append(out, a)
		}
	}
	slices.SortStableFunc(out, func(a, b Addr) int {
		return cmp.Or(boolOrder(!a.IsQUIC(), !b.IsQUIC()), boolOrder(a.IsIP6(), b.IsIP6()))
	})
	return out
}

// listenAddr opens one socket.
func (h *Host) listenAddr(a Addr) error {
	return h.host.Network().Listen(a.Multiaddr())
}

// sleepLeast is how much later than the clock that stops in sleep the one on the
// wall must be: more than a correction of it.
const sleepLeast = 15 * time.Second

// slept reports whether the machine slept while so much went by on the clock that
// stops in sleep, and so much on the wall.
func slept(awake, wall time.Duration) bool { return wall-awake > sleepLeast }

// watchAddrs tells when the machine's addresses change, and when it slept.
func (h *Host) watchAddrs() {
	tick := time.NewTicker(addrsInterval)
	defer tick.Stop()
	last, looked := h.Addrs(), time.Now()
	for {
		select {
		case <-h.ctx.Done():
			return
		case <-tick.C:
		case <-h.reachNews:
			if h.cfg.OnReach != nil {
				h.cfg.OnReach()
			}
		}
		at := time.Now() // Round takes away the reading of the clock that stops
		if slept(at.Sub(looked), at.Round(0).Sub(looked.Round(0))) && h.cfg.OnWake != nil {
			h.log.Debug("this machine slept")
			h.cfg.OnWake()
		}
		looked = at
		now := h.Addrs()
		if slices.Equal(now, last) {
			continue
		}
		last = now
		h.reach.Forget()
		h.log.Debug("addresses changed", "addrs", now)
		if h.cfg.OnAddrs != nil {
			h.cfg.OnAddrs()
		}
	}
}
