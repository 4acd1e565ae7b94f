package circuit

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/protocol/autonatv2"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/relay"
	ma "github.com/multiformats/go-multiaddr"
)

const (
	// MaxBytes is how much one circuit carries in each direction: two handshakes
	// and the addresses of both sides take about 6 KiB.
	MaxBytes = 32 << 10
	// MaxTime is how long one circuit lives: punching takes at most 10 seconds.
	MaxTime = 30 * time.Second
	// maxPerPeer is how many circuits one machine may have at a time: a node that
	// starts calls, and is called by, as many contacts.
	maxPerPeer = 32
	// lifeOfReservation is how long a reservation is good; it ends with the
	// connection too.
	lifeOfReservation = time.Hour

	// How often a relay dials back: in a minute in all and for one machine, how often
	// to an address other than that of the asker, which costs that 30 KB and more
	// first, and how many at once for one machine.
	dialBacks, dialBacksPerPeer, dialBacksElsewhere, dialBacksAtOnce = 600, 6, 12, 2
)

// Config says whom a Server serves. Zero fields mean the defaults.
type Config struct {
	// MayReserve says who may be called over circuits. It is asked at each
	// reservation and may take a moment. Default: everybody.
	MayReserve func(peer.ID) bool
	// Reservations bounds the machines that have a reservation, PerAddress those at
	// one IP address. Default 8192 and 1024: a village may share one address.
	Reservations, PerAddress int
	// Dialer dials back, with another key and from another port than the relay's, or
	// else an answer would prove nothing. The Server closes it. Default: nobody is
	// dialled back.
	Dialer host.Host
}

// Server lends circuits and dials back.
type Server struct {
	circuits *relay.Relay
	dialBack *autonatv2.AutoNAT // nil if it does not
}

// Serve begins to serve on h.
func Serve(h host.Host, cfg Config) (*Server, error) {
	s := &Server{}
	var err error
	if cfg.Dialer != nil {
		s.dialBack, err = autonatv2.New(cfg.Dialer,
			autonatv2.WithServerRateLimit(dialBacks, dialBacksPerPeer, dialBacksElsewhere, dialBacksAtOnce))
		if err == nil {
			err = s.dialBack.Start(h)
		}
		if err != nil {
			return nil, errors.Join(fmt.Errorf("dial back: %w", err), cfg.Dialer.Close())
		}
	}
	all := cmp.Or(cfg.Reservations, 8192)
	s.circuits, err = relay.New(h, relay.WithACL(access{cfg.MayReserve}), relay.WithResources(relay.Resources{
		Limit:          &relay.RelayLimit{Duration: MaxTime, Data: MaxBytes},
		ReservationTTL: lifeOfReservation, MaxReservations: all, MaxCircuits: maxPerPeer, BufferSize: 2048,
		MaxReservationsPerIP: min(all, cmp.Or(cfg.PerAddress, 1024)), MaxReservationsPerASN: all,
	}))
	if err != nil {
		s.Close()
		return nil, fmt.Errorf("lend circuits: %w", err)
	}
	return s, nil
}

// Close ends both. It is called before the host is closed.
func (s *Server) Close() {
	if s == nil {
		return
	}
	if s.circuits != nil {
		_ = s.circuits.Close() // always nil
	}
	if s.dialBack != nil {
		s.dialBack.Close()
	}
}

// access says who may reserve. Whoever is connected may call.
type access struct{ mayReserve func(peer.ID) bool }

// AllowReserve implements relay.ACLFilter.
func (a access) AllowReserve(p peer.ID, _ ma.Multiaddr) bool {
	return a.mayReserve == nil || a.mayReserve(p)
}

// AllowConnect implements relay.ACLFilter.
func (a access) AllowConnect(peer.ID, ma.Multiaddr, peer.ID) bool { return true }
