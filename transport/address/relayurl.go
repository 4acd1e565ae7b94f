package address

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"quicnprotochat/transport/ipspace"
)

// relayScheme begins the text of a RelayURL.
const relayScheme = "qpc-relay://"

// maxRelayURL bounds the text of a RelayURL in bytes.
const maxRelayURL = 400

// RelayURL says where a relay is and which key it must prove:
// qpc-relay://<peer id>@<host>:<port>. The port is UDP, and TCP as a fallback; an IPv6 address stands
// in brackets. Equal URLs are equal as values if they come from ParseRelayURL
// or NewRelayURL. The zero value stands for no relay and has the text "".
type RelayURL struct {
	Key  Key
	Host string // IP address in canonical form, or DNS name in lower case
	Port uint16
}

// NewRelayURL checks its parts and brings the host into canonical form.
func NewRelayURL(k Key, host string, port uint16) (RelayURL, error) {
	if err := k.Check(); err != nil {
		return RelayURL{}, fmt.Errorf("relay url: %w", err)
	}
	host, err := ParseHost(host)
	if err != nil {
		return RelayURL{}, fmt.Errorf("relay url: %w", err)
	}
	if port == 0 {
		return RelayURL{}, errors.New("relay url: port 0")
	}
	return RelayURL{Key: k, Host: host, Port: port}, nil
}

// ParseRelayURL reads the text of a relay URL. Nothing may follow the port.
func ParseRelayURL(text string) (RelayURL, error) {
	if len(text) > maxRelayURL {
		return RelayURL{}, errors.New("relay url: too long")
	}
	rest, ok := strings.CutPrefix(text, relayScheme)
	if !ok {
		return RelayURL{}, errors.New("relay url: does not begin with " + relayScheme)
	}
	id, hostPort, ok := strings.Cut(rest, "@")
	if !ok {
		return RelayURL{}, errors.New("relay url: no @ between the key and the host")
	}
	k, err := ParseKey(id)
	if err != nil {
		return RelayURL{}, fmt.Errorf("relay url: %w", err)
	}
	host, portText, err := net.SplitHostPort(hostPort)
	if err != nil {
		return RelayURL{}, fmt.Errorf("relay url: %w", err)
	}
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil || strconv.FormatUint(port, 10) != portText {
		return RelayURL{}, errors.New("relay url: port is not a number from 1 to 65535")
	}
	u, err := NewRelayURL(k, host, uint16(port))
	if err != nil {
		return RelayURL{}, err
	}
	if strings.HasPrefix(hostPort, "[") != strings.Contains(u.Host, ":") {
		return RelayURL{}, errors.New("relay url: brackets are for IPv6 addresses")
	}
	return u, nil
}

// String returns the text of the URL, or "" for the zero value.
func (u RelayURL) String() string {
	if u == (RelayURL{}) {
		return ""
	}
	return relayScheme + u.Key.String() + "@" + u.Place()
}

// Place returns HOST:PORT.
func (u RelayURL) Place() string { return net.JoinHostPort(u.Host, strconv.Itoa(int(u.Port))) }

// Addrs returns the addresses at which the relay can be dialled: over QUIC, and over
// TCP for networks that block UDP.
func (u RelayURL) Addrs() []Addr {
	a, err := AddrFor(u.Host, u.Port)
	if err != nil {
		return nil
	}
	return []Addr{a, a.OverTCP()}
}

// MarshalText returns String.
func (u RelayURL) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// UnmarshalText reads what MarshalText wrote; empty text is the zero RelayURL.
func (u *RelayURL) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*u = RelayURL{}
		return nil
	}
	parsed, err := ParseRelayURL(string(text))
	if err != nil {
		return err
	}
	*u = parsed
	return nil
}

// ParseHost checks a host as people write it, an IP address without brackets or
// a DNS name, and returns its canonical form. It refuses what nobody can dial:
// unspecified and multicast addresses and those with a zone.
func ParseHost(host string) (string, error) {
	ip, err := netip.ParseAddr(host)
	if err != nil {
		if err := checkName(host); err != nil {
			return "", err
		}
		return strings.ToLower(host), nil
	}
	if ip.Zone() != "" || ip.Is4In6() || ipspace.Of(ip) == ipspace.None {
		return "", errors.New("host is an IP address that cannot be dialled")
	}
	return ip.String(), nil
}

// AnnounceHost chooses the host that a relay tells others: announce if it is not
// empty, else the first IP address in listen that is not unspecified, else the
// first address of this machine that others may reach (IPv4 before IPv6, of a
// family that listen has), else 127.0.0.1.
func AnnounceHost(announce string, listen []Addr) string {
	if announce != "" {
		return announce
	}
	any4, any6 := len(listen) == 0, len(listen) == 0
	for _, a := range listen {
		ip, ok := a.IP()
		if ok && !ip.IsUnspecified() {
			return ip.String()
		}
		any4 = any4 || ok && ip.Is4()
		any6 = any6 || ok && ip.Is6()
	}
	own := ipspace.Networks()
	for _, want4 := range []bool{true, false} {
		if want4 && !any4 || !want4 && !any6 {
			continue
		}
		for _, p := range own {
			ip := p.Addr()
			if ip.Is4() == want4 && !ip.IsLinkLocalUnicast() && ipspace.Of(ip) >= ipspace.Local {
				return ip.String()
			}
		}
	}
	return "127.0.0.1"
}
