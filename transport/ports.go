package transport

import (
	"fmt"
	"net/netip"
	"slices"

	ma "github.com/multiformats/go-multiaddr"

	"quicnprotochat/transport/address"
	"quicnprotochat/transport/portmap"
	"quicnprotochat/transport/reach"
)

// ports are our UDP ports at the router, as package outside looks at them.
type ports struct{ *portmap.Client }

// newPorts returns what asks the router to forward our UDP ports, once it runs.
func (h *Host) newPorts() *ports {
	return &ports{portmap.New(portmap.Config{Ports: h.forwardable, Seen: h.seenAt, Shut: h.isShut, Log: h.log})}
}

// forwardable are the ports that a router may forward to us.
func (h *Host) forwardable() (all []uint16) {
	for _, a := range h.listening() {
		if a.IsQUIC() && !a.IsIP6() && !a.IsLoopback() && !slices.Contains(all, a.Port()) {
			all = append(all, a.Port())
		}
	}
	return all
}

// seenAt are the IPv4 addresses that relays see us at.
func (h *Host) seenAt() (all []netip.Addr) {
	for _, s := range h.Reachability().Seen {
		if ip, ok := s.Addr.IP(); ok && ip.Is4() && !slices.Contains(all, ip) {
			all = append(all, ip)
		}
	}
	slices.SortFunc(all, netip.Addr.Compare)
	return all
}

// isShut reports whether a relay has dialled an address of ours in vain.
func (h *Host) isShut(at netip.AddrPort) bool {
	return slices.ContainsFunc(h.Reachability().Checks, func(c reach.Check) bool {
		ip, ok := c.Addr.IP()
		return ok && !c.Open && ip == at.Addr() && c.Addr.Port() == at.Port()
	})
}

// Mapping implements outside.Ports.
func (p *ports) Mapping(listening ma.Multiaddr) ma.Multiaddr {
	a, err := address.Of(listening)
	if err != nil || !a.IsQUIC() || a.IsIP6() {
		return nil
	}
	outside, ok := p.Mapped(a.Port())
	if !ok {
		return nil
	}
	m, err := ma.NewMultiaddr(fmt.Sprintf("/ip4/%s/udp/%d/quic-v1", outside.Addr(), outside.Port()))
	if err != nil {
		return nil
	}
	return m
}
