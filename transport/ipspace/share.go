package ipspace

import "net/netip"

const (
	// LineBits is how long the prefix is that a provider of IPv6 gives to one line.
	LineBits = 56
	// SiteBits is how long that of a larger site is, SiteLines as how many lines it counts.
	SiteBits  = 48
	SiteLines = 8
)

// Share is a network that an address counts for where a machine is shared out, and as
// how many lines it counts.
type Share struct {
	Network netip.Prefix
	Lines   int
}

// Shares returns the networks that an address counts for, its Line first; none for a
// loopback one and for none.
func Shares(ip netip.Addr) []Share {
	line, ok := Line(ip)
	switch {
	case !ok:
		return nil
	case line.Addr().Is4():
		return []Share{{line, 1}}
	}
	site, _ := line.Addr().Prefix(SiteBits) // the bits are right
	return []Share{{line, 1}, {site, SiteLines}}
}

// Most returns how much of all a share may have where one line may have one: a site that
// is more than one line has no more than half of all.
func (s Share) Most(one, all int64) int64 {
	if s.Lines == 1 {
		return one
	}
	return max(one, min(one*int64(s.Lines), all/2))
}

// Line returns the network that tells an address from others: an IPv4 address is one by
// itself, and who has one of IPv6 has all of its /56. ok is false for the loopback, where
// an address says nothing of who calls, and for no address.
func Line(ip netip.Addr) (line netip.Prefix, ok bool) {
	ip = ip.Unmap().WithZone("")
	if !ip.IsValid() || ip.IsLoopback() {
		return netip.Prefix{}, false
	}
	bits := LineBits
	if ip.Is4() {
		bits = 32
	}
	line, err := ip.Prefix(bits)
	return line, err == nil
}
