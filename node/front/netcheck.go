package front

import (
	"context"
	"fmt"
	"slices"
	"time"

	"quicnprotochat/node/localapi"
	"quicnprotochat/transport"
	"quicnprotochat/transport/address"
)

// What is told of something that may be known.
const (
	yes       = "yes"
	no        = "no"
	unknown   = "unknown"
	onlyAddrs = "address"
)

// Netcheck implements localapi.Reasons.
func (f *Front) Netcheck(ctx context.Context) (localapi.Netcheck, error) {
	h, r := f.cfg.Host, f.cfg.Host.Reachability()
	n := localapi.Netcheck{
		Addrs: f.Addrs(), NAT: string(r.NAT), PortMap: string(r.PortMap), Reachable: unknown,
		LAN: f.cfg.LAN, Nearby: len(h.LAN()), UDP: unknown, IPv4: no, IPv6: no,
	}
	for _, s := range r.Seen {
		n.Seen = append(n.Seen, localapi.NetSeen{Relay: s.By.String(), Addr: s.Addr.String()})
	}
	for _, a := range r.PortMapAddrs {
		n.PortMapAddrs = append(n.PortMapAddrs, a.String())
	}
	for _, c := range r.Checks {
		n.Checks = append(n.Checks, localapi.NetTried{Addr: c.Addr.String(), Open: c.Open, Time: localapi.Time{Time: c.At}})
		switch {
		case c.Open:
			n.Reachable = yes
		case n.Reachable == unknown:
			n.Reachable = no
		}
	}
	n.Relays = f.callRelays(ctx, r.Reservations)
	f.families(&n)
	n.Advice = advice(n, h.ListenPort())
	return n, nil
}

// callRelays measures the home relays, all at once.
func (f *Front) callRelays(ctx context.Context, kept []transport.Reservation) []localapi.NetRelay {
	homes := f.cfg.Deliverer.HomeRelays()
	all, done := make([]localapi.NetRelay, len(homes)), make(chan struct{}, len(homes))
	for i, home := range homes {
		go func() {
			defer func() { done <- struct{}{} }()
			a := f.call(ctx, home.URL.Key)
			all[i] = localapi.NetRelay{URL: home.URL.String(), Reached: a.err == nil, RTT: a.rtt, Error: a.reason()}
			if remote := f.cfg.Host.Peer(home.URL.Key).Remote; a.err == nil {
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
	for range homes {
		<-done
	}
	return all
}

// families notes over what something answers that is not this machine.
func (f *Front) families(n *localapi.Netcheck) {
	for _, a := range f.cfg.Host.Addrs() {
		if !a.IsLoopback() {
			better(family(n, a), onlyAddrs)
		}
	}
	for _, k := range f.cfg.Host.Connected() {
		remote := f.cfg.Host.Peer(k).Remote
		if remote == "" || remote.IsLoopback() {
			continue
		}
		*family(n, remote) = yes
		if remote.IsQUIC() {
			n.UDP = yes
		}
	}
	overTCP := func(r localapi.NetRelay) bool { return r.Transport == "tcp" }
	if n.UDP == unknown && slices.ContainsFunc(n.Relays, overTCP) {
		n.UDP = no
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
func advice(n localapi.Netcheck, port uint16) (all []string) {
	reached := slices.ContainsFunc(n.Relays, func(r localapi.NetRelay) bool { return r.Reached })
	switch {
	case len(n.Relays) == 0:
		return []string{"No relay is set, so nobody can say how this machine looks from outside, and a message waits until both machines are up. " +
			"Name one: qpc up --relay URL. On one LAN nothing else is needed."}
	case !reached:
		return []string{fmt.Sprintf("No relay answers. Is this machine online? Else a firewall may block UDP, out to the relay's port or back to port %d here; "+
			"or the relay is down: its operator knows. Messages wait here meanwhile.", port)}
	}
	if n.UDP == no {
		all = append(all, "This network blocks UDP, so other people's machines cannot be reached from here but on the LAN: messages go through relays, which works and is a little slower. Another network, or who runs this one, can help.")
	}
	switch {
	case n.Reachable == yes:
		all = append(all, "This machine can be reached from outside: messages go straight. Nothing to do.")
	case n.NAT == string(transport.NATDependent):
		all = append(all, fmt.Sprintf("The NAT before this machine uses another port for each destination, so holes can be punched only to machines that everybody can reach; with all others messages go through relays. "+
			"To be reached straight, %s.", forward(n, port)))
	case n.NAT == string(transport.NATIndependent):
		all = append(all, "A NAT is before this machine, and holes can be punched through it: messages go straight to most people, and through relays to the rest. Nothing to do.")
	case n.NAT == string(transport.NATNone) && n.Reachable == no:
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
	case string(transport.PortMapOff):
		return fmt.Sprintf("let qpc ask the router (qpc up --port-map on), or forward UDP port %d to this machine by hand", port)
	case string(transport.PortMapRefused):
		return fmt.Sprintf("the router answers and forwards nothing: allow UPnP or NAT-PMP there, or forward UDP port %d to this machine by hand", port)
	default:
		return fmt.Sprintf("turn on UPnP or NAT-PMP in the router, or forward UDP port %d to this machine by hand; IPv6 also helps", port)
	}
}
