package punch

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/client"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/pb"
	"github.com/multiformats/go-multistream"
)

const (
	// reserveTime bounds one call of a relay.
	reserveTime = 10 * time.Second
	// renewAfter is the part of a reservation's life after which it is renewed: a
	// half, so that one call may fail.
	renewAfter = 2
	// refusedPause is how long a relay that refused is left alone while the
	// connection to it stays.
	refusedPause = 10 * time.Minute
	// failedPause is the same after any other failure.
	failedPause = 30 * time.Second
)

// ErrRefused means that a relay lends this machine no circuits.
var ErrRefused = errors.New("it has no room for that, or its operator has turned it off")

// Reservation is what one relay said to our wish to be called over its circuits.
type Reservation struct {
	Relay peer.ID
	// Until is when it ends unless it is renewed; zero if there is none.
	Until time.Time
	// Err says why there is none; nil while the relay is not connected.
	Err error
}

// Reservations keeps a reservation at each of some relays for as long as there is
// a connection to it. It dials nobody.
type Reservations struct {
	host     host.Host
	log      *slog.Logger
	changed  func()
	notifiee network.Notifiee
	wake     chan struct{} // of size 1

	// mu guards the fields below.
	mu     sync.Mutex
	relays map[peer.ID]*reservation
}

// reservation is one Reservation and when the relay is to be called next.
type reservation struct {
	Reservation
	next time.Time // zero: as soon as it is connected
}

// NewReservations returns Reservations at no relay. changed is called, without
// locks held, when one is made or lost.
func NewReservations(h host.Host, log *slog.Logger, changed func()) *Reservations {
	r := &Reservations{host: h, log: log, changed: changed, wake: make(chan struct{}, 1), relays: make(map[peer.ID]*reservation)}
	r.notifiee = &network.NotifyBundle{ConnectedF: r.moved, DisconnectedF: r.moved}
	return r
}

// Keep says at which relays there shall be one, instead of those named before.
func (r *Reservations) Keep(relays []peer.ID) {
	r.mu.Lock()
	for p := range r.relays {
		if !slices.Contains(relays, p) {
			delete(r.relays, p)
		}
	}
	for _, p := range relays {
		if r.relays[p] == nil {
			r.relays[p] = &reservation{Reservation: Reservation{Relay: p}}
		}
	}
	r.mu.Unlock()
	r.signal()
}

// Keeps reports whether p is one of the relays.
func (r *Reservations) Keeps(p peer.ID) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.relays[p] != nil
}

// All returns what there is, in the order of the relays' keys.
func (r *Reservations) All() []Reservation {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]Reservation, 0, len(r.relays))
	for _, p := range slices.Sorted(maps.Keys(r.relays)) {
		out = append(out, r.relays[p].Reservation)
	}
	return out
}

// Run makes and renews them until ctx ends.
func (r *Reservations) Run(ctx context.Context) {
	r.host.Network().Notify(r.notifiee)
	defer r.host.Network().StopNotify(r.notifiee)
	var told []Reservation
	for {
		timer := time.NewTimer(r.pass(ctx))
		if now := r.All(); !slices.EqualFunc(now, told, sameReservation) {
			told = now
			r.changed()
		}
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		case <-r.wake:
		}
		timer.Stop()
	}
}

// sameReservation reports whether there is nothing new to tell.
func sameReservation(a, b Reservation) bool {
	return a.Relay == b.Relay && a.Until.IsZero() == b.Until.IsZero() && (a.Err == nil) == (b.Err == nil)
}

// moved notes that the connection to a relay came or went: it forgets what it had
// for us when the last one is gone.
func (r *Reservations) moved(n network.Network, c network.Conn) {
	p := c.RemotePeer()
	r.mu.Lock()
	kept := r.relays[p]
	if kept != nil && n.Connectedness(p) != network.Connected {
		*kept = reservation{Reservation: Reservation{Relay: p}}
	}
	r.mu.Unlock()
	if kept != nil {
		r.signal()
	}
}

func (r *Reservations) signal() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// pass calls the relays that are due, all at once, and returns how long there is
// nothing to do.
func (r *Reservations) pass(ctx context.Context) time.Duration {
	var wg sync.WaitGroup
	for _, p := range r.due() {
		wg.Go(func() { r.reserve(ctx, p) })
	}
	wg.Wait()
	pause := time.Hour
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, kept := range r.relays {
		if !kept.next.IsZero() {
			pause = min(pause, max(time.Until(kept.next), time.Second))
		}
	}
	return pause
}

// due returns the connected relays that are to be called now.
func (r *Reservations) due() []peer.ID {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []peer.ID
	for p, kept := range r.relays {
		if r.host.Network().Connectedness(p) == network.Connected && !time.Now().Before(kept.next) {
			out = append(out, p)
		}
	}
	return out
}

// reserve calls one relay and notes what it says.
func (r *Reservations) reserve(ctx context.Context, p peer.ID) {
	ctx, cancel := context.WithTimeout(network.WithNoDial(ctx, "reserve"), reserveTime)
	defer cancel()
	got, err := client.Reserve(ctx, r.host, peer.AddrInfo{ID: p})
	now := time.Now()
	entry := reservation{Reservation: Reservation{Relay: p, Err: err}, next: now.Add(failedPause)}
	var refused client.ReservationError
	var unknown multistream.ErrNotSupported[protocol.ID]
	switch {
	case err == nil:
		entry.Until = got.Expiration
		entry.next = now.Add(max(got.Expiration.Sub(now)/renewAfter, failedPause))
	case errors.As(err, &refused) && refused.Status != pb.Status_CONNECTION_FAILED, errors.As(err, &unknown):
		entry.Err, entry.next = ErrRefused, now.Add(refusedPause)
	}
	r.mu.Lock()
	kept := r.relays[p]
	if kept != nil && r.host.Network().Connectedness(p) == network.Connected {
		*kept = entry
	}
	r.mu.Unlock()
	r.log.Debug("reserved", "relay", p, "until", entry.Until, "err", entry.Err)
}
