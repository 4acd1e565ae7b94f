package reach

import (
	"time"

	"quicnprotochat/transport/address"
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
	By   address.Key
	Addr address.Addr
}

// Check is what came of a relay's try to dial one of our addresses.
type Check struct {
	Addr address.Addr
	Open bool
	At   time.Time
}

// Reservation is what a relay said to our wish that others may call us over it, so
// that we can punch.
type Reservation struct {
	Relay address.Key
	Until time.Time // it is renewed before; zero if there is none
	Err   string    // why there is none; "" while the relay is not connected
}

// Reachability is what a machine knows of how others can reach it from outside. It
// is empty if Config.MayPunch is nil.
type Reachability struct {
	Seen         []Seen
	NAT          NAT
	PortMap      PortMapState
	PortMapAddrs []address.Addr
	// Checks has an entry for each address that a relay tried lately.
	Checks       []Check
	Reservations []Reservation
}

// Reachability returns what is known now.
func (r *Reach) Reachability() Reachability {
	if r.watch == nil {
		return Reachability{NAT: NATUnknown, PortMap: PortMapOff}
	}
	s := r.watch.State()
	out := Reachability{NAT: natOf(s.Mapping), PortMap: PortMapOff, PortMapAddrs: address.All(s.Mapped)}
	for _, o := range s.Seen {
		k, keyErr := address.KeyOfPeer(o.By)
		a, err := address.Of(o.Addr)
		if keyErr == nil && err == nil {
			out.Seen = append(out.Seen, Seen{k, a})
		}
	}
	for _, c := range s.Checks {
		if a, err := address.Of(c.Addr); err == nil {
			out.Checks = append(out.Checks, Check{a, c.Open, c.At})
		}
	}
	switch {
	case r.cfg.Ports == nil:
	case len(out.PortMapAddrs) > 0:
		out.PortMap = PortMapOpen
	case s.Router:
		out.PortMap = PortMapRefused
	default:
		out.PortMap = PortMapNone
	}
	for _, kept := range r.kept.All() {
		if k, err := address.KeyOfPeer(kept.Relay); err == nil {
			entry := Reservation{Relay: k, Until: kept.Until}
			if kept.Err != nil {
				entry.Err = r.cfg.Reason(kept.Err)
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
