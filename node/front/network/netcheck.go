package network

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"quicnprotochat/node/localapi"
	"quicnprotochat/transport/address"
	"quicnprotochat/transport/reach"
)

// What is told of something that may be known.
const (
	yes       = "yes"
	no        = "no"
	unknown   = "unknown"
	onlyAddrs = "address"
)

// Netcheck implements localapi.Reasons.
func (n *Network) Netcheck(ctx context.Context) (localapi.Netcheck, error) {
	h, r := n.cfg.Host, n.cfg.Host.Reachability()
	c := localapi.Netcheck{
		Addrs: Addrs(h), NAT: string(r.NAT), PortMap: string(r.PortMap), Reachable: unknown,
		LAN: n.cfg.LAN, Nearby: len(h.LAN()), UDP: unknown, IPv4: no, IPv6: no,
	}
	for _, s := range r.Seen {
		c.Seen = append(c.Seen, localapi.NetSeen{Relay: s.By.String(), Addr: s.Addr.String()})
	}
	for _, a := range r.PortMapAddrs {
		c.PortMapAddrs = append(c.PortMapAddrs, a.String())
	}
	for _, check := range r.Checks {
		c.Checks = append(c.Checks, localapi.NetTried{Addr: check.Addr.String(), Open: check.Open, Time: localapi.Time{Time: check.At}})
		switch {
		case check.Open:
			c.Reachable = yes
		case c.Reachable == unknown:
			c.Reachable = no
		}
	}
	var calls []call
	c.Relays, calls = n.callRelays(ctx, r.Reservations)
	n.families(&c)
	if c.NAT == string(reach.NATUnknown) && c.IPv4 == no && n.seenAsIs(r.Seen) {
		c.NAT = string(reach.NATNone) // without IPv4 there is none to look for
	}
	c.Online = n.Online()
	c.Advice = advice(c, h.ListenPort(), offline(c.Online, calls...), !slices.ContainsFunc(calls, func(c call) bool { return !c.stopped() }))
	return c, nil
}

// seenAsIs reports whether relays see this machine, and only at addresses of its own.
func (n *Network) seenAsIs(seen []reach.Seen) bool {
	own := n.cfg.Host.LocalAddrs()
	return len(seen) > 0 && !slices.ContainsFunc(seen, func(s reach.Seen) bool { return !slices.Contains(own, s.Addr) })
}

// callRelays measures the home relays, all at once.
func (n *Network) callRelays(ctx context.Context, kept []reach.Reservation) (all []localapi.NetRelay, calls []call) {
	homes := n.cfg.Deliverer.HomeRelays()
	all, calls = make([]localapi.NetRelay, len(homes)), make([]call, len(homes))
	var wg sync.WaitGroup
	for i, home := range homes {
		wg.Go(func() {
			a := n.call(ctx, home.URL.Key)
			calls[i], all[i] = a, localapi.NetRelay{URL: home.URL.String(), Reached: a.err == nil, RTT: a.rtt, Error: a.reason()}
			if remote := n.cfg.Host.Peer(home.URL.Key).Remote; a.err == nil {
				all[i].Transport = "udp"
				if remote != "" && !remote.IsQUIC() {
					all[i].Transport = "tcp"
				}
			}
			for _, k := range kept {
				if k.Relay == home.URL.Key {
					all[i].Reserved, all[i].Refused = time.Now().Before(k.Until), k.Err
				}
			}
		})
	}
	wg.Wait()
	return all, calls
}

// families notes over what something answers that is not this machine.
func (n *Network) families(c *localapi.Netcheck) {
	for _, a := range n.cfg.Host.Addrs() {
		if !a.IsLoopback() {
			better(family(c, a), onlyAddrs)
		}
	}
	for _, k := range n.cfg.Host.Connected() {
		remote := n.cfg.Host.Peer(k).Remote
		if remote == "" || remote.IsLoopback() {
			continue
		}
		*family(c, remote) = yes
		if remote.IsQUIC() {
			c.UDP = yes
		}
	}
	overTCP := func(r localapi.NetRelay) bool { return r.Transport == "tcp" }
	if c.UDP == unknown && slices.ContainsFunc(c.Relays, overTCP) {
		c.UDP = no
	}
}

// family is what is told of the IP version of an address.
func family(n *localapi.Netcheck, a address.Addr) *string {
	if a.IsIP6() {
		return &n.IPv6
	}
	return &n.IPv4
}

func better(s *string, than string) {
	if *s == no {
		*s = than
	}
}

// advice says what follows, and what to do. offline is that no network of this machine leads
// to a relay, stopped that the machines of all relays answer that no relay runs there.
func advice(n localapi.Netcheck, port uint16, offline, stopped bool) (all []string) {
	reached := slices.ContainsFunc(n.Relays, func(r localapi.NetRelay) bool { return r.Reached })
	switch {
	case offline && n.Online == onlyLAN:
		return []string{"This machine is not online: its network leads nowhere else, and to no relay. People on that network are reached all the same. All other messages wait here and go out by themselves when it leads further."}
	case offline:
		return []string{"This machine is not online: it has no network. Switch on Wi-Fi or plug in the cable. Messages wait here meanwhile and go out by themselves when it is back."}
	case len(n.Relays) == 0:
		return []string{"No relay is set, so nobody can say how this machine looks from outside, and a message waits until both machines are up. " +
			"Name one: qpc relay add URL. On one LAN nothing else is needed."}
	case !reached && stopped:
		return []string{"The machine of the relay answers, and no relay runs on it: it was stopped, or it has another port now; its operator knows. Messages wait here meanwhile."}
	case !reached:
		return []string{fmt.Sprintf("No relay answers. Can this machine reach anything else, such as a web page? If not, its network is cut off somewhere. Else a firewall may block UDP, "+
			"out to the relay's port or back to port %d here; or the relay is down: its operator knows. Messages wait here meanwhile.", port)}
	}
	all = append(all, outside(n, port))
	for _, r := range n.Relays {
		switch {
		case !r.Reached:
			all = append(all, "The relay "+r.URL+" does not answer; mail that waits there comes when it does. qpc relay forget URL drops it.")
		case r.Refused != "":
			all = append(all, "The relay "+r.URL+" does not help others to connect straight to this machine: "+r.Refused+". More messages go through relays then.")
		}
	}
	return all
}

// outside says how others reach this machine, which reaches a relay.
func outside(n localapi.Netcheck, port uint16) string {
	switch {
	case n.UDP == no:
		return "This network blocks UDP, so other people's machines cannot be reached from here but on the LAN: messages go through relays, which works and is a little slower. Another network, or who runs this one, can help."
	case n.Reachable == yes:
		return "This machine can be reached from outside: messages go straight. Nothing to do."
	case n.NAT == string(reach.NATDependent):
		return fmt.Sprintf("The router of this network is strict (symmetric NAT): only machines that everybody can reach connect straight to this one; with all others messages go through relays, which works and is a little slower. "+
			"To be reached straight, %s.", forward(n, port))
	case n.NAT == string(reach.NATIndependent):
		return "This machine is behind a router, which lets through what a relay helps to begin: messages go straight to most people, and through relays to the rest. Nothing to do."
	case n.NAT == string(reach.NATNone) && n.Reachable == no:
		return fmt.Sprintf("This machine has an address of its own, and a firewall lets nobody in: let UDP port %d in to be reached straight. With most people it connects straight all the same, with the help of a relay.", port)
	case n.Reachable == no:
		return fmt.Sprintf("This machine cannot be reached from outside. A second relay would say which kind of router (NAT) is before it. To be reached straight, %s.", forward(n, port))
	default:
		return "Whether this machine can be reached from outside is not known (yet): a relay tries it a while after the start, unless the relay is on the same network. Ask again in a minute."
	}
}

// forward is what makes a machine behind a NAT reachable.
func forward(n localapi.Netcheck, port uint16) string {
	switch n.PortMap {
	case string(reach.PortMapOff):
		return fmt.Sprintf("let qpc ask the router (qpc up --port-map on), or forward UDP port %d to this machine by hand", port)
	case string(reach.PortMapRefused):
		return fmt.Sprintf("the router answers and forwards nothing: allow UPnP or NAT-PMP there, or forward UDP port %d to this machine by hand", port)
	default:
		return fmt.Sprintf("turn on UPnP or NAT-PMP in the router, or forward UDP port %d to this machine by hand; IPv6 also helps", port)
	}
}
