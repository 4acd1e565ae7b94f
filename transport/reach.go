package transport

import (
	"context"
	"errors"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"quicnprotochat/transport/address"
	"quicnprotochat/transport/circuit"
	"quicnprotochat/transport/punch"
	"quicnprotochat/transport/reach"
	"quicnprotochat/transport/tried"
)

// openReach begins what makes the host reachable through NATs.
func (h *Host) openReach() (err error) {
	cfg := reach.Config{
		Host: h.host, MayPunch: h.cfg.MayPunch, Local: h.LocalAddrs,
		Offer: h.offer, Reason: tried.Reason, Changed: h.reachChanged, Log: h.log,
	}
	if h.ports != nil {
		cfg.Ports = h.ports
	}
	if h.cfg.Circuits {
		if cfg.Circuits, err = h.circuits(); err != nil {
			return err
		}
	}
	h.reach, err = reach.Open(cfg)
	return err
}

// circuits says how circuits are lent.
func (h *Host) circuits() (*circuit.Config, error) {
	cfg := &circuit.Config{Reservations: h.cfg.MaxReservations, PerAddress: h.cfg.MaxConnsPerAddr}
	if may := h.cfg.MayReserve; may != nil {
		cfg.MayReserve = func(p peer.ID) bool {
			k, err := address.KeyOfPeer(p)
			return err == nil && may(k)
		}
	}
	if !h.cfg.ownSockets() {
		return cfg, nil
	}
	var err error
	cfg.Dialer, err = newDialer()
	return cfg, err
}

// reachChanged wakes watchAddrs.
func (h *Host) reachChanged() {
	select {
	case h.reachNews <- struct{}{}:
	default:
	}
}

// Reachability returns what is known now of how others can reach us from outside. It is
// empty if Config.MayPunch is nil.
func (h *Host) Reachability() reach.Reachability { return h.reach.Reachability() }

// Reserve says by which relays others may call us for punching, instead of those
// named before: our homes, and borrowed ones, whose word on our address counts only
// while no home is connected. It dials none: there is a reservation while there is a
// connection.
func (h *Host) Reserve(homes, borrowed []Key) { h.reach.Reserve(homes, borrowed) }

// LearnCircuits notes by which relays k may be called for punching, instead of
// those named before.
func (h *Host) LearnCircuits(k Key, relays []Key) {
	if k == h.key || k.IsZero() {
		return
	}
	h.book.learnCircuits(k, relays, time.Now())
}

// punch tries to connect k over circuits, unless that failed a short while ago, and
// says what became of it; nil if it was not tried.
func (h *Host) punch(ctx context.Context, k Key, relays []Key) []Attempt {
	if len(relays) == 0 {
		return nil
	}
	err := h.reach.Punch(ctx, k, relays)
	if err == nil || errors.Is(err, punch.ErrLately) {
		return nil
	}
	h.log.Debug("not punched", "peer", k, "err", err)
	var out []Attempt
	for _, r := range relays {
		why := err
		var none *punch.CircuitError
		if errors.As(err, &none) {
			why = none.At(r.PeerID())
		}
		out = append(out, tried.Failed(h.circuitAt(r), why, time.Now()))
	}
	return out
}

// circuitAt names the circuits of a relay by where people know it to be: its name if it
// has one, else its address.
func (h *Host) circuitAt(relay Key) Addr {
	at := h.Peer(relay).Remote
	addrs, _ := h.book.candidates(relay, time.Now())
	for _, a := range addrs {
		if _, isIP := a.IP(); !isIP || at == "" {
			at = a
		}
	}
	return Addr(at.WithKey(relay) + "/p2p-circuit")
}
