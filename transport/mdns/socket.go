package mdns

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

const (
	port     = 5353
	hopLimit = 255 // RFC 6762, section 11
)

var (
	group4 = net.UDPAddr{IP: net.IPv4(224, 0, 0, 251), Port: port}
	group6 = net.UDPAddr{IP: net.ParseIP("ff02::fb"), Port: port}
)

// socket is the multicast socket of one IP version.
type socket struct {
	conn *net.UDPConn
	send func(b []byte, ifi net.Interface) error
}

// openSocket joins the multicast group of one IP version on all of ifis that take
// part in it.
func openSocket(v6 bool, ifis []net.Interface) (*socket, error) {
	if len(ifis) == 0 {
		return nil, errors.New("no network that takes multicast")
	}
	network, group := "udp4", group4
	if v6 {
		network, group = "udp6", group6
	}
	// This sets what lets several programs share the port. It joins on the first interface
	// that has this version.
	var conn *net.UDPConn
	var err error
	for len(ifis) > 0 && conn == nil {
		conn, err = net.ListenMulticastUDP(network, &ifis[0], &group)
		ifis = ifis[1:]
	}
	if err != nil {
		return nil, fmt.Errorf("join multicast: %w", err)
	}
	s := &socket{conn: conn}
	if v6 {
		err = s.setup6(ifis)
	} else {
		err = s.setup4(ifis)
	}
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("set up multicast: %w", err)
	}
	return s, nil
}

// setup4 joins on more interfaces, and lets nodes of the same machine hear us.
func (s *socket) setup4(more []net.Interface) error {
	p := ipv4.NewPacketConn(s.conn)
	for _, ifi := range more {
		_ = p.JoinGroup(&ifi, &net.UDPAddr{IP: group4.IP}) // one deaf interface is no reason to stop
	}
	s.send = func(b []byte, ifi net.Interface) error {
		_, err := p.WriteTo(b, &ipv4.ControlMessage{IfIndex: ifi.Index}, &group4)
		return err
	}
	return errors.Join(p.SetMulticastTTL(hopLimit), p.SetMulticastLoopback(true))
}

// setup6 is setup4 for IPv6.
func (s *socket) setup6(more []net.Interface) error {
	p := ipv6.NewPacketConn(s.conn)
	for _, ifi := range more {
		_ = p.JoinGroup(&ifi, &net.UDPAddr{IP: group6.IP})
	}
	s.send = func(b []byte, ifi net.Interface) error {
		_, err := p.WriteTo(b, &ipv6.ControlMessage{IfIndex: ifi.Index}, &group6)
		return err
	}
	return errors.Join(p.SetMulticastHopLimit(hopLimit), p.SetMulticastLoopback(true))
}

// interfaces returns the interfaces to speak on: up, with multicast, with an address, and
// neither loopback nor a tunnel, at whose other end is another network.
func interfaces() []net.Interface {
	all, err := net.Interfaces()
	if err != nil {
		return nil
	}
	const want, not = net.FlagUp | net.FlagMulticast, net.FlagLoopback | net.FlagPointToPoint
	var out []net.Interface
	for _, ifi := range all {
		if ifi.Flags&want == want && ifi.Flags&not == 0 && len(interfaceIPs(ifi)) > 0 {
			out = append(out, ifi)
		}
	}
	return out
}

// interfaceIPs returns the addresses of one interface.
func interfaceIPs(ifi net.Interface) []netip.Addr {
	addrs, err := ifi.Addrs()
	if err != nil {
		return nil
	}
	var out []netip.Addr
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok {
			if ip, ok := netip.AddrFromSlice(n.IP); ok {
				out = append(out, ip.Unmap())
			}
		}
	}
	return out
}
