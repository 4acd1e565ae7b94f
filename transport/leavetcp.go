package transport

import (
	"context"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"

	"quicnprotochat/transport/address"
)

const (
	// overQUIC is the code with which we close a connection over TCP to make it over QUIC.
	overQUIC network.ConnErrorCode = 0x71756963
	// leaveEvery is how often it is looked for connections over TCP.
	leaveEvery = 5 * time.Second
	// leaveFirst is the age at which QUIC is first tried in place of one, leaveMost the
	// longest pause between two tries, which double.
	leaveFirst, leaveMost = 15 * time.Second, 10 * time.Minute
)

// leaveTCP closes connections that we made over TCP when their machine answers over QUIC
// again: UDP was blocked, or too slow once. Streams on them say that they are worn.
func (h *Host) leaveTCP() {
	type pause struct {
		length time.Duration
		end    time.Time
	}
	pauses := make(map[Key]pause) // kept when a try succeeds: UDP may be lost again
	tick := time.NewTicker(leaveEvery)
	defer tick.Stop()
	for {
		select {
		case <-h.ctx.Done():
			return
		case <-h.addrsNews:
			clear(pauses)
		case <-tick.C:
		}
		now := time.Now()
		for k, c := range h.overTCP() {
			p, known := pauses[k]
			switch {
			case !known:
				pauses[k] = pause{leaveFirst, c.Stat().Opened.Add(leaveFirst)}
			case now.After(p.end):
				length := min(2*p.length, leaveMost)
				pauses[k] = pause{length, now.Add(length)}
				h.tryQUIC(c)
			}
		}
		for k, p := range pauses {
			if now.Sub(p.end) > leaveMost {
				delete(pauses, k)
			}
		}
	}
}

// overTCP returns the connections that we made over TCP, one of each machine.
func (h *Host) overTCP() map[Key]network.Conn {
	out := make(map[Key]network.Conn)
	for _, c := range h.host.Network().Conns() {
		k, err := address.KeyOfPeer(c.RemotePeer())
		remote, _ := h.remoteOf(c)
		over := remote != "" && !remote.IsQUIC() && !c.Stat().Limited
		if err == nil && over && c.Stat().Direction == network.DirOutbound && !c.IsClosed() {
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
	answer, err := dialler.TransportForDialing(at).Dial(ctx, at, c.RemotePeer())
	h.log.Debug("tried QUIC in place of TCP", "peer", c.RemotePeer(), "err", err)
	if err == nil {
		_ = answer.Close()
		_ = c.CloseWithError(overQUIC)
	}
}
