package ipspace

import (
	"bytes"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
)

// Scope says from how far away an address can be dialled.
type Scope int

const (
	// None is unspecified or multicast.
	None Scope = iota
	// Loopback is from this machine.
	Loopback
	// Local is from this network: link-local, private, and that of carriers' NAT.
	Local
	// Public is from anywhere.
	Public
)

// sharedSpace is the address space of carriers' NAT (RFC 6598).
var sharedSpace = netip.MustParsePrefix("100.64.0.0/10")

// Of classifies an IP address.
func Of(ip netip.Addr) Scope {
	ip = ip.Unmap()
	switch {
	case !ip.IsValid(), ip.IsUnspecified(), ip.IsMulticast(), ip == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return None
	case ip.IsLoopback():
		return Loopback
	case ip.IsLinkLocalUnicast(), ip.IsPrivate(), sharedSpace.Contains(ip):
		return Local
	default:
		return Public
	}
}

// Networks returns the subnets that this machine has an address in. They are read
// anew each time because machines move.
func Networks() []netip.Prefix {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	return prefixes(addrs)
}

// prefixes are the subnets of addresses of interfaces.
func prefixes(addrs []net.Addr) (out []netip.Prefix) {
	for _, a := range addrs {
		n, ok := a.(*net.IPNet)
		if !ok {
			continue
		}
		ip, ok := netip.AddrFromSlice(n.IP)
		if !ok {
			continue
		}
		ones, _ := n.Mask.Size()
		out = append(out, netip.PrefixFrom(ip.Unmap(), ones))
	}
	return out
}

// Live returns those of Networks whose interfaces are up, with a cable in them or Wi-Fi
// that is connected: at the others nobody is reached, though they may keep their addresses.
func Live() []netip.Prefix {
	all := Networks()
	interfaces, err := net.Interfaces()
	if err != nil {
		return all
	}
	const live = net.FlagUp | net.FlagRunning
	for _, i := range interfaces {
		if i.Flags&live == live || i.Flags&net.FlagUp != 0 && hasCarrier(i.Name) {
			continue
		}
		addrs, err := i.Addrs()
		if err != nil {
			continue
		}
		for _, p := range prefixes(addrs) {
			all = slices.DeleteFunc(all, func(q netip.Prefix) bool { return p == q })
		}
	}
	return all
}

// Farthest returns how far the networks of this machine lead: Loopback if none of them is
// live, Local if no route leads out of them, else Public. It asks the system alone: nothing
// is sent, and a route may lead nowhere all the same.
func Farthest() Scope {
	if !slices.ContainsFunc(Live(), func(p netip.Prefix) bool { return Of(p.Addr()) >= Local }) {
		return Loopback
	}
	for _, far := range []string{"198.41.0.4:9", "[2001:503:ba3e::2:30]:9"} { // a root server of the DNS
		if c, err := net.Dial("udp", far); err == nil { // sends nothing, and fails without a route
			_ = c.Close()
			return Public
		}
	}
	return Local
}

// hasCarrier reports whether Linux has seen that there is a cable in an interface: it
// says so up to a second before it calls the interface running. Elsewhere it is false.
func hasCarrier(name string) bool {
	b, err := os.ReadFile(filepath.Join("/sys/class/net", name, "carrier"))
	return err == nil && bytes.HasPrefix(b, []byte("1"))
}

// Near reports whether ip is another machine's on one of the networks.
func Near(ip netip.Addr, networks []netip.Prefix) bool {
	ip = ip.Unmap().WithZone("")
	if !ip.IsValid() || ip.IsLoopback() {
		return false
	}
	if ip.Is6() && ip.IsLinkLocalUnicast() {
		return true // on each network; those of IPv4 (RFC 3927) are on one only
	}
	for _, p := range networks {
		// A subnet of one address is a tunnel's end, and ::/0 or 0.0.0.0/0 is no subnet.
		if !p.IsSingleIP() && p.Bits() > 0 && !p.Addr().IsLoopback() && p.Contains(ip) {
			return true
		}
	}
	return false
}
