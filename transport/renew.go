package transport

import (
	"errors"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/p2p/transport/quicreuse"
	"github.com/quic-go/quic-go"
)

const (
	// worn is the code with which a connection is closed that is to be made anew.
	worn network.ConnErrorCode = 0x776f726e
	// renewEvery is how often it is looked for such connections.
	renewEvery = 10 * time.Second
	// leastLife is the age below which a connection that is said to be worn is not
	// renewed at once: who says so all the time must not keep us busy.
	leastLife = 5 * time.Second
)

// renew lets the connections be made anew whose other end has come to another address,
// as behind a NAT that chose a port anew. quic-go v0.64.1 follows to two more addresses,
// then it has used up the peer's connection IDs and the connection is dead without a
// word. Only the side that was dialled follows, and sees it.
func (h *Host) renew() {
	tick := time.NewTicker(renewEvery)
	defer tick.Stop()
	for {
		select {
		case <-h.ctx.Done():
			return
		case <-tick.C:
		}
		var moved []network.Conn
		for _, c := range h.host.Network().Conns() {
			if h.hasMoved(c) {
				moved = append(moved, c)
			}
		}
		for _, c := range moved { // not all at once: they all come back
			select {
			case <-h.ctx.Done():
				return
			case <-time.After(renewEvery / time.Duration(len(moved)+1)):
				h.log.Debug("the peer moved, its connection is renewed", "peer", c.RemotePeer())
				_ = c.CloseWithError(worn)
			}
		}
	}
}

// hasMoved reports whether a peer that dialled us is at another address now. Of a punched
// connection libp2p says on both sides that it was dialled here.
func (h *Host) hasMoved(c network.Conn) bool {
	var q *quic.Conn
	s := c.Stat()
	if s.Limited || c.IsClosed() || s.Direction != network.DirInbound && !h.reach.Punched(c) || !c.As(&q) {
		return false
	}
	now, err := quicreuse.ToQuicMultiaddr(q.RemoteAddr(), quic.Version1)
	return err == nil && !now.Equal(c.RemoteMultiaddr())
}

// note keeps whether an error of a stream says that its connection is to be made anew.
func (s *Stream) note(err error) {
	var closed *network.ConnError
	if err == nil || !errors.As(err, &closed) {
		return
	}
	byPeer := closed.Remote && closed.ErrorCode == worn && time.Since(s.stream.Conn().Stat().Opened) > leastLife
	byUs := !closed.Remote && closed.ErrorCode == overQUIC
	if byPeer || byUs {
		s.worn.Store(true)
	}
}

// Worn reports, when a Read has failed, whether the connection was closed only because
// it is to be made anew, by us, who dialled it.
func (s *Stream) Worn() bool { return s.worn.Load() }
