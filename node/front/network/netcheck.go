package network

import (
	"context"
	"fmt"
	"slices"
	"strings"
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
	offline := false
	c.Relays, offline = n.callRelays(ctx, r.Reservations)
	n.families(&c)
	if c.NAT == string(reach.NATUnknown) && c.IPv4 == no && n.seenAsIs(r.Seen) {
		c.NAT = string(reach.NATNone) // without IPv4 there is none to look for
	}
	c.Advice = advice(c, h.ListenPort(), offline)
	return c, nil
}

// seenAsIs reports whether relays see this machine, and only at addresses of its own.
func (n *Network) seenAsIs(seen []reach.Seen) bool {
	own := n.cfg.Host.LocalAddrs()
	return len(seen) > 0 && !slices.ContainsFunc(seen, func(s reach.Seen) bool { return !slices.Contains(own, s.Addr) })
}

// callRelays measures the home relays, all at once, and reports whether this machine
// has a network that leads to none of them.
func (n *Network) callRelays(ctx context.Context, kept []reach.Reservation) (all []localapi.NetRelay, offline bool) {
	homes := n.cfg.Deliverer.HomeRelays()
	all, done := make([]localapi.NetRelay, len(homes)), make(chan bool, len(homes))
	for i, home := range homes {
		go func() {
			a := n.call(ctx, home.URL.Key)
			defer func() { done <- a.offline() }()
			all[i] = localapi.NetRelay{URL: home.URL.String(), Reached: a.err == nil, RTT: a.rtt, Error: a.reason()}
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
		}()
	}
	offline = len(homes) > 0
	for range homes {
		away := <-done
		offline = offline && away
	}
	return all, offline
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

// advice says what follows, and what to do.
func advice(n localapi.Netcheck, port uint16, offline bool) (all []string) {
	reached := slices.ContainsFunc(n.Relays, func(r localapi.NetRelay) bool { return r.Reached })
	switch {
	case len(n.Relays) == 0:
		return []string{"No relay is set, so nobody can say how this machine looks from outside, and a message waits until both machines are up. " +
			"Name one: qpc relay add URL. On one LAN nothing else is needed."}
	case offline:
		return []string{"This machine is not online: no network of it leads to a relay. Switch on Wi-Fi or plug in the cable. Messages wait here meanwhile and go out by themselves when it is back. On the LAN nothing else is needed."}
	case !reached && !slices.ContainsFunc(n.Relays, func(r localapi.NetRelay) bool { return !strings.Contains(r.Error, "nothing listens there") }):
		return []string{"The machine of the relay answers, and no relay runs on it: it was stopped, or it has another port now; its operator knows. Messages wait here meanwhile."}
	case !reached:
		return []string{fmt.Sprintf("No relay answers. Is this machine online? Else a firewall may block UDP, out to the relay's port or back to port %d here; "+
			"or the relay is down: its operator knows. Messages wait here meanwhile.", port)}
	}
	switch {
	case n.UDP == no:
		all = append(all, "This network blocks UDP, so other people's machines cannot be reached from here but on the LAN: messages go through relays, which works and is a little slower. Another network, or who runs this one, can help.")
	case n.Reachable == yes:
		all = append(all, "This machine can be reached from outside: messages go straight. Nothing to do.")
	case n.NAT == string(reach.NATDependent):
		all = append(all, fmt.Sprintf("The NAT before this machine uses another port for each destination, so holes can be punched only to machines that everybody can reach; with all others messages go through relays. "+
			"To be reached straight, %s.", forward(n, port)))
	case n.NAT == string(reach.NATIndependent):
		all = append(all, "A NAT is before this machine, and holes can be punched through it: messages go straight to most people, and through relays to the rest. Nothing to do.")
	case n.NAT == string(reach.NATNone) && n.Reachable == no:
		all = append(all, fmt.Sprintf("This machine has an address of its own, and a firewall lets nobody in: let UDP port %d in to be reached straight. Holes can be punched all the same.", port))
	case n.Reachable == no:
		all = append(all, fmt.Sprintf("This machine cannot be reached from outside. A second relay would say which kind of NAT is before it. To be reached straight, %s.", forward(n, port)))
	default:
		all = append(all, "Whether this machine can be reached from outside is not known (yet): a relay tries it a while after the start, unless the relay is on the same network. Ask again in a minute.")
	}
	for _, r := range n.Relays {
		switch {
		case !r.Reached:
			all = append(all, "The relay "+r.URL+" does not answer; mail that waits there comes when it does. qpc relay forget drops it.")
		case r.Refused != "":
			all = append(all, "The relay "+r.URL+" does not let others call this machine there to punch holes: "+r.Refused+".")
		}
	}
	return all
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
