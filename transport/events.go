package transport

import (
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"

	"quicnprotochat/transport/address"
)

// peerEvents counts the connections of each peer and tells OnPeer about first
// and last ones, in order, by one goroutine. libp2p's notifications only note
// what happened, so that a slow callback holds up nobody. What is noted is one
// entry per peer, whatever happens to it.
type peerEvents struct {
	mu    sync.Mutex
	peers map[Key]*peerState
	queue []Key         // peers with something to tell, each at most once
	wake  chan struct{} // of size 1
}

// peerState is how many connections there are and what was told of them.
type peerState struct {
	conns  int
	ups    uint64 // times that conns went from 0 to 1
	told   uint64 // ups at the time of the last OnPeer(k, true)
	saidUp bool   // what the last OnPeer said
	queued bool
}

// change adds n to the connections of k.
func (e *peerEvents) change(k Key, n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := e.peers[k]
	if s == nil {
		if e.peers == nil {
			e.peers = make(map[Key]*peerState)
		}
		s = &peerState{}
		e.peers[k] = s
	}
	if s.conns == 0 && n > 0 {
		s.ups++
	}
	s.conns += n
	if !s.queued {
		s.queued = true
		e.queue = append(e.queue, k)
	}
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

// next returns what is to be told of the next peer in the queue: whether to say
// that it is gone, and then that it is there.
func (e *peerEvents) next() (k Key, down, up, ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.queue) == 0 {
		return k, false, false, false
	}
	k, e.queue = e.queue[0], e.queue[1:]
	s := e.peers[k]
	s.queued = false
	isUp := s.conns > 0
	down = s.saidUp && (!isUp || s.told != s.ups)
	up = isUp && (!s.saidUp || s.told != s.ups)
	s.saidUp, s.told = isUp, s.ups
	if !isUp {
		delete(e.peers, k)
	}
	return k, down, up, true
}

// connected returns the peers that have a connection.
func (e *peerEvents) connected() []Key {
	e.mu.Lock()
	defer e.mu.Unlock()
	var out []Key
	for k, s := range e.peers {
		if s.conns > 0 {
			out = append(out, k)
		}
	}
	return out
}

// runEvents calls OnPeer until the host closes.
func (h *Host) runEvents() {
	for {
		select {
		case <-h.ctx.Done():
			return
		case <-h.events.wake:
		}
		for h.ctx.Err() == nil {
			k, down, up, ok := h.events.next()
			if !ok {
				break
			}
			if down {
				h.tellPeer(k, false)
			}
			if up {
				h.tellPeer(k, true)
			}
		}
	}
}

// tellPeer logs and calls OnPeer.
func (h *Host) tellPeer(k Key, connected bool) {
	h.log.Debug("peer changed", "peer", k, "connected", connected)
	if h.cfg.OnPeer != nil {
		h.cfg.OnPeer(k, connected)
	}
}

// notifiee returns what libp2p calls when connections come and go. Circuits do
// not count.
func (h *Host) notifiee() network.Notifiee {
	return &network.NotifyBundle{
		ConnectedF: func(_ network.Network, c network.Conn) {
			k, err := address.KeyOfPeer(c.RemotePeer())
			if err != nil || c.Stat().Limited {
				return
			}
			h.noteConnected(k, c)
			h.events.change(k, 1)
			h.dials.connected(k)
		},
		DisconnectedF: func(_ network.Network, c network.Conn) {
			k, err := address.KeyOfPeer(c.RemotePeer())
			if err != nil || c.Stat().Limited {
				return
			}
			h.reach.Disconnected(c)
			h.events.change(k, -1)
		},
	}
}

// noteConnected remembers the address of a new connection. QUIC dials from the
// socket that listens, so the address of a peer that came to us is also one to
// find it at. A relay dials nobody back.
func (h *Host) noteConnected(k Key, c network.Conn) {
	remote, err := address.Of(c.RemoteMultiaddr())
	dialled := c.Stat().Direction == network.DirOutbound
	if err != nil || h.cfg.Server && !dialled {
		return
	}
	now := time.Now()
	h.book.learn(k, sourceSeen, []Addr{remote}, now)
	if dialled {
		h.book.record(k, []Attempt{{Addr: remote, At: now}}, now)
	}
}
