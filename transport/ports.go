package transport

import (
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	bhost "github.com/libp2p/go-libp2p/p2p/host/basic"
	ma "github.com/multiformats/go-multiaddr"

	"quicnprotochat/transport/address"
	"quicnprotochat/transport/portmap"
)

// upnpTime is how long libp2p looks for a router that speaks UPnP.
const upnpTime = 10 * time.Second

// ports asks the router to forward our UDP ports: libp2p by UPnP, and where no router
// answers that, portmap by NAT-PMP.
type ports struct {
	bhost.NATManager
	pmp *portmap.Client
}

// portMapper is what libp2p asks the router with.
func (h *Host) portMapper(n network.Network) bhost.NATManager {
	upnp := bhost.NewNATManager(n)
	h.ports = &ports{upnp, portmap.New(portmap.Config{
		Wait: upnpTime, Log: h.log,
		Ports: func() (all []uint16) {
			if upnp.HasDiscoveredNAT() {
				return nil
			}
			for _, a := range h.listening() {
				if a.IsQUIC() && !a.IsIP6() && !a.IsLoopback() {
					all = append(all, a.Port())
				}
			}
			return all
		},
	})}
	return upnp
}

// GetMapping returns where a listening address is reached from outside, nil if nowhere.
func (p *ports) GetMapping(listening ma.Multiaddr) ma.Multiaddr {
	if m := p.NATManager.GetMapping(listening); m != nil {
		return m
	}
	a, err := address.Of(listening)
	if err != nil || !a.IsQUIC() || a.IsIP6() {
		return nil
	}
	outside, ok := p.pmp.Mapped(a.Port())
	if !ok {
		return nil
	}
	m, err := ma.NewMultiaddr(fmt.Sprintf("/ip4/%s/udp/%d/quic-v1", outside.Addr(), outside.Port()))
	if err != nil {
		return nil
	}
	return m
}

// HasDiscoveredNAT reports whether a router answers.
func (p *ports) HasDiscoveredNAT() bool { return p.NATManager.HasDiscoveredNAT() || p.pmp.Router() }
