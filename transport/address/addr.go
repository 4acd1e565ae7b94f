package address

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	ma "github.com/multiformats/go-multiaddr"

	"quicnprotochat/transport/ipspace"
)

// maxAddr bounds an address, as text and as bytes.
const maxAddr = 300

// Addr is the text of a checked multiaddr without a peer id:
// /ip4|ip6|dns|dns4|dns6/HOST/udp/PORT/quic-v1, or …/tcp/PORT for networks that
// block UDP. Get one from ParseAddr or ParseAddrBytes; equal addresses have
// equal text. The zero value stands for no address.
type Addr string

// ParseAddr reads the text of a multiaddr of the forms that Addr lists. Port 0
// and unspecified addresses (0.0.0.0, ::) are good for listening only.
func ParseAddr(text string) (Addr, error) {
	if len(text) > maxAddr {
		return "", errors.New("parse address: too long")
	}
	m, err := ma.NewMultiaddr(text)
	if err != nil {
		return "", fmt.Errorf("parse address: %w", err)
	}
	return Of(m)
}

// ParseAddrBytes reads the binary form of a multiaddr of the forms that Addr
// lists, as Bytes wrote it.
func ParseAddrBytes(b []byte) (Addr, error) {
	if len(b) > maxAddr {
		return "", errors.New("parse address: too long")
	}
	m, err := ma.NewMultiaddrBytes(b)
	if err != nil {
		return "", fmt.Errorf("parse address: %w", err)
	}
	if !bytes.Equal(m.Bytes(), b) {
		return "", errors.New("parse address: not in canonical form")
	}
	a, err := Of(m)
	if err != nil {
		return "", err
	}
	if !bytes.Equal(a.Bytes(), b) {
		return "", errors.New("parse address: not in canonical form")
	}
	return a, nil
}

// AddrFor returns the QUIC address of a host, which is an IP or a DNS name, and
// a UDP port.
func AddrFor(host string, port uint16) (Addr, error) {
	kind := "dns"
	if ip, err := netip.ParseAddr(host); err == nil {
		if kind = "ip4"; ip.Is6() {
			kind = "ip6"
		}
	}
	return ParseAddr("/" + kind + "/" + host + "/udp/" + strconv.Itoa(int(port)) + "/quic-v1")
}

// String returns the text of the multiaddr.
func (a Addr) String() string { return string(a) }

// Bytes returns the binary form of the multiaddr; nil if a is no valid address.
func (a Addr) Bytes() []byte {
	m, err := ma.NewMultiaddr(string(a))
	if err != nil {
		return nil
	}
	return m.Bytes()
}

// WithKey returns the text of the full multiaddr, /p2p/KEY at its end.
func (a Addr) WithKey(k Key) string { return string(a) + "/p2p/" + k.String() }

// Host returns the IP address or DNS name in a.
func (a Addr) Host() string { return a.part(2) }

// IP returns the IP address in a; ok is false if a holds a DNS name.
func (a Addr) IP() (ip netip.Addr, ok bool) {
	ip, err := netip.ParseAddr(a.Host())
	return ip, err == nil
}

// IsIP6 reports whether a holds an IPv6 address.
func (a Addr) IsIP6() bool {
	ip, ok := a.IP()
	return ok && ip.Is6()
}

// IsQUIC reports whether a is reached over QUIC, not TCP.
func (a Addr) IsQUIC() bool { return a.part(5) == "quic-v1" }

// Port returns the UDP or TCP port in a.
func (a Addr) Port() uint16 {
	port, err := strconv.ParseUint(a.part(4), 10, 16)
	if err != nil {
		return 0
	}
	return uint16(port)
}

// IsLoopback reports whether a is an address of the machine's loopback.
func (a Addr) IsLoopback() bool {
	ip, ok := a.IP()
	return ok && ip.IsLoopback()
}

// IsPublic reports whether a holds an IP address that may be reachable from
// anywhere: not loopback, link-local, private, unspecified or multicast.
func (a Addr) IsPublic() bool {
	ip, ok := a.IP()
	return ok && ipspace.Of(ip) == ipspace.Public
}

// part returns the nth slash-separated part; part 0 is before the first slash.
func (a Addr) part(n int) string {
	parts := strings.SplitN(string(a), "/", n+2)
	if n >= len(parts) {
		return ""
	}
	return parts[n]
}

// OverTCP returns the TCP address of the same host and port number.
func (a Addr) OverTCP() Addr {
	return Addr("/" + a.part(1) + "/" + a.part(2) + "/tcp/" + a.part(4))
}

// OverQUIC returns the QUIC address of the same host and port number.
func (a Addr) OverQUIC() Addr {
	return Addr("/" + a.part(1) + "/" + a.part(2) + "/udp/" + a.part(4) + "/quic-v1")
}

// At returns the address of another IP address, with the port and the protocol of a.
func (a Addr) At(ip netip.Addr) (Addr, error) {
	quic, err := AddrFor(ip.String(), a.Port())
	if err != nil || a.IsQUIC() {
		return quic, err
	}
	return quic.OverTCP(), nil
}

// WithPort returns a with another port.
func (a Addr) WithPort(port uint16) Addr {
	parts := strings.Split(string(a), "/")
	if len(parts) < 5 {
		return a
	}
	parts[4] = strconv.Itoa(int(port))
	return Addr(strings.Join(parts, "/"))
}

// Multiaddr returns a as libp2p wants it; nil if a is no valid address.
func (a Addr) Multiaddr() ma.Multiaddr {
	m, err := ma.NewMultiaddr(string(a))
	if err != nil {
		return nil
	}
	return m
}

// CanDial reports whether a connection to a can be tried: it has a port and is
// neither unspecified nor multicast.
func (a Addr) CanDial() bool {
	if a.Port() == 0 {
		return false
	}
	ip, ok := a.IP()
	return !ok || !ip.IsUnspecified() && !ip.IsMulticast()
}

// Of checks that m has one of the forms that Addr lists.
func Of(m ma.Multiaddr) (Addr, error) {
	if len(m) < 2 {
		return "", errors.New("parse address: too short")
	}
	if err := checkHostPart(m[0]); err != nil {
		return "", fmt.Errorf("parse address: %w", err)
	}
	switch {
	case len(m) == 3 && m[1].Code() == ma.P_UDP && m[2].Code() == ma.P_QUIC_V1:
	case len(m) == 2 && m[1].Code() == ma.P_TCP:
	default:
		return "", errors.New("parse address: neither udp/PORT/quic-v1 nor tcp/PORT")
	}
	text := m.String()
	if len(text) > maxAddr {
		return "", errors.New("parse address: too long")
	}
	return Addr(text), nil
}

// checkHostPart checks the first component of an address.
func checkHostPart(c ma.Component) error {
	switch c.Code() {
	case ma.P_IP4, ma.P_IP6:
		ip, ok := netip.AddrFromSlice(c.RawValue())
		if !ok || ip.Is4In6() {
			return errors.New("not a plain IP address")
		}
		return nil
	case ma.P_DNS, ma.P_DNS4, ma.P_DNS6:
		return checkName(c.Value())
	default:
		return errors.New("begins with neither an IP address nor a DNS name")
	}
}

// checkName checks a DNS name: letters, digits, hyphen and underscore in labels
// of 1 to 63 bytes, 253 in all. A last label of digits alone is refused, because
// resolvers take such names for IP addresses.
func checkName(name string) error {
	if name == "" || len(name) > 253 {
		return errors.New("host name has a wrong length")
	}
	last := ""
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 {
			return errors.New("host name has a label of wrong length")
		}
		for _, c := range []byte(label) {
			letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
			if !letter && (c < '0' || c > '9') && c != '-' && c != '_' {
				return errors.New("host name has a character that is not allowed")
			}
		}
		last = label
	}
	if last[0] >= '0' && last[0] <= '9' {
		return errors.New("host name ends like an IP address")
	}
	return nil
}

// Multiaddrs returns addresses as libp2p wants them, without those that are not
// valid.
func Multiaddrs(addrs []Addr) []ma.Multiaddr {
	out := make([]ma.Multiaddr, 0, len(addrs))
	for _, a := range addrs {
		if m := a.Multiaddr(); m != nil {
			out = append(out, m)
		}
	}
	return out
}

// All returns those of addrs that have one of the forms that Addr lists.
func All(addrs []ma.Multiaddr) []Addr {
	var out []Addr
	for _, m := range addrs {
		if a, err := Of(m); err == nil {
			out = append(out, a)
		}
	}
	return out
}
