package transport

import (
	"slices"
	"time"

	"quicnprotochat/transport/outside"
)

// NAT is how the NAT before this machine chooses the port that others see.
type NAT string

const (
	// NATUnknown means that fewer than two relays see us over IPv4.
	NATUnknown NAT = "unknown"
	// NATNone means that a relay sees an address of this machine itself.
	NATNone NAT = "none"
	// NATIndependent is one port for all destinations: holes can be punched.
	NATIndependent NAT = "independent"
	// NATDependent is another port for each destination (symmetric): holes can be
	// punched only to machines that everybody can reach.
	NATDependent NAT = "dependent"
)

// PortMapState is what became of asking the router to forward our port.
type PortMapState string

const (
	// PortMapOff means that it is not asked.
	PortMapOff PortMapState = "off"
	// PortMapNone means that no router has answered, so far.
	PortMapNone PortMapState = "none"
	// PortMapRefused means that there is a router, and no port so far.
	PortMapRefused PortMapState = "refused"
	// PortMapOpen means that it forwards the addresses in PortMapAddrs.
	PortMapOpen PortMapState = "open"
)

// Seen is an address of ours that a relay sees us at.
type Seen struct {
	By   Key
	Addr Addr
}

// Check is what came of a relay's try to dial one of our addresses.
type Check struct {
	Addr Addr
	Open bool
	At   time.Time
}

// Reservation is what a relay said to our wish that others may call us over it, so
// that we can punch.
type Reservation struct {
	Relay Key
	Until time.Time // it is renewed before; zero if there is none
	Err   string    // why there is none; "" while the relay is not connected
}

// Reachability is what a Host knows of how others can reach it from outside. It is
// empty if Config.MayPunch is nil.
type Reachability struct {
	Seen         []Seen
	NAT          NAT
	PortMap      PortMapState
	PortMapAddrs []Addr
	// Checks has an entry for each address that a relay tried lately.
	Checks       []Check
	Reservations []Reservation
}

// Reachability returns what is known now.
func (h *Host) Reachability() Reachability {
	r := &h.reach
	if r.watch == nil {
		return Reachability{NAT: NATUnknown, PortMap: PortMapOff}
	}
	s := r.watch.State()
	out := Reachability{NAT: natOf(s.Mapping), PortMap: PortMapOff, PortMapAddrs: addrsOf(s.Mapped)}
	for _, o := range s.Seen {
		k, keyErr := keyOfID(o.By)
		a, err := addrOf(o.Addr)
		if keyErr == nil && err == nil {
			out.Seen = append(out.Seen, Seen{k, a})
		}
	}
	for _, c := range s.Checks {
		if a, err := addrOf(c.Addr); err == nil {
			out.Checks = append(out.Checks, Check{a, c.Open, c.At})
		}
	}
	switch {
	case r.ports == nil:
	case len(out.PortMapAddrs) > 0:
		out.PortMap = PortMapOpen
	case s.Router:
		out.PortMap = PortMapRefused
	default:
		out.PortMap = PortMapNone
	}
	for _, kept := range r.kept.All() {
		if k, err := keyOfID(kept.Relay); err == nil {
			entry := Reservation{Relay: k, Until: kept.Until}
			if kept.Err != nil {
				entry.Err = reason(kept.Err)
			}
			out.Reservations = append(out.Reservations, entry)
		}
	}
	return out
}

// natOf is a mapping in the words of this package.
func natOf(m outside.Mapping) NAT {
	switch m {
	case outside.MappingNone:
		return NATNone
	case outside.MappingIndependent:
		return NATIndependent
	case outside.MappingDependent:
		return NATDependent
	default:
		return NATUnknown
	}
}

// outsideAddrs returns the public addresses that are not of this machine's
// interfaces and may lead to it: those that a relay tried in vain are left out
// unless all are asked for.
func (h *Host) outsideAddrs(all bool) []Addr {
	if h.reach.watch == nil {
		return nil
	}
	r := h.Reachability()
	candidates := slices.Clone(r.PortMapAddrs)
	for _, o := range r.Seen {
		candidates = append(candidates, o.Addr)
	}
	var out []Addr
	for _, a := range candidates {
		shut := slices.ContainsFunc(r.Checks, func(c Check) bool { return c.Addr == a && !c.Open })
		if a.IsPublic() && a.CanDial() && (all || !shut) && !slices.Contains(out, a) {
			out = append(out, a)
		}
	}
	return out
}
