package transport

import (
	"context"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"

	"quicnprotochat/transport/address"
	"quicnprotochat/transport/pauses"
)

const (
	// overQUIC is the code with which we close a connection over TCP to make it over QUIC.
	overQUIC network.ConnErrorCode = 0x71756963
	// leaveEvery is how often it is looked for connections over TCP.
	leaveEvery = 5 * time.Second
)

// leaveTCP closes connections that we made over TCP when their machine answers over QUIC
// again: UDP was blocked, or too slow once. Streams on them say that they are worn.
func (h *Host) leaveTCP() {
	p := pauses.New()
	tick := time.NewTicker(leaveEvery)
	defer tick.Stop()
	for {
		select {
		case <-h.ctx.Done():
			return
		case <-tick.C:
		}
		over, now := h.overTCP(), time.Now()
		if len(over) == 0 && p.None() {
			continue
		}
		p.At(h.LocalAddrs(), now)
		for k, c := range over {
			if p.Due(k, c.Stat().Opened, now) {
				h.tryQUIC(c)
			}
		}
	}
}

// overTCP returns the connections that we made over TCP, one of each machine.
func (h *Host) overTCP() map[Key]network.Conn {
	out := make(map[Key]network.Conn)
	for _, c := range h.host.Network().Conns() {
		// First what costs least: a relay has tens of thousands, and made none of them.
		if s := c.Stat(); s.Direction != network.DirOutbound || s.Limited || c.IsClosed() {
			continue
		}
		k, err := address.KeyOfPeer(c.RemotePeer())
		remote, addrErr := address.Of(c.RemoteMultiaddr())
		if err == nil && addrErr == nil && !remote.IsQUIC() {
			out[k] = c
		}
	}
	return out
}

// tryQUIC closes a connection over TCP if its machine answers at the UDP port of the same
// number. libp2p keeps one connection to a machine, so that the answer is not used.
func (h *Host) tryQUIC(c network.Conn) {
	dialler, ok := h.host.Network().(*swarm.Swarm)
	remote, err := address.Of(c.RemoteMultiaddr())
	if !ok || err != nil {
		return
	}
	at := remote.OverQUIC().Multiaddr()
	ctx, cancel := context.WithTimeout(h.ctx, dialTimeout)
	defer cancel()
	way := dialler.TransportForDialing(at)
	if way == nil || ctx.Err() != nil {
		return // the host is closing
	}
	answer, err := way.Dial(ctx, at, c.RemotePeer())
	h.log.Debug("tried QUIC in place of TCP", "peer", c.RemotePeer(), "err", err)
	if err == nil {
		_ = answer.Close()
		_ = c.CloseWithError(overQUIC)
	}
}
