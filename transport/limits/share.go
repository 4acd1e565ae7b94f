package limits

import (
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"sync"

	"github.com/libp2p/go-libp2p/core/network"

	"quicnprotochat/transport/ipspace"
)

const (
	// tcpShare is which part of the memory of all the streams of one line over TCP may
	// take, see package ipspace: each stream takes what its window may hold, 256 KiB,
	// from its first byte, so that without a share one machine would keep all others
	// from TCP.
	tcpShare = 8
	// tcpSite is which part those of one site may take, however many lines it has: what
	// they hold is some three times what is counted.
	tcpSite = 4
)

// errShare is that somebody's streams over TCP have taken their share.
var errShare = errors.New("too many streams over TCP from one address")

// Muxer returns m with a bound for the streams that come from one IPv4 address or IPv6
// /56, and from one /48. A connection that goes beyond it is cut off, which is logged. An
// address of the loopback counts as any other, here alone: what runs wild on this machine
// must not keep all others from TCP either.
func (l Limits) Muxer(m network.Multiplexer, log *slog.Logger) network.Multiplexer {
	return &muxer{m, &shares{all: l.memory, log: log, used: make(map[netip.Prefix]int64)}}
}

// muxer is a multiplexer of connections that others make.
type muxer struct {
	network.Multiplexer
	shares *shares
}

// NewConn implements network.Multiplexer.
func (m *muxer) NewConn(c net.Conn, isServer bool, scope network.PeerScope) (network.MuxedConn, error) {
	if at, ok := c.RemoteAddr().(*net.TCPAddr); ok && isServer {
		scope = &sharing{scope, m.shares, sharesOf(at.AddrPort().Addr().Unmap())}
	}
	return m.Multiplexer.NewConn(c, isServer, scope)
}

// sharesOf returns what an address counts for.
func sharesOf(ip netip.Addr) []ipspace.Share {
	if ip.IsLoopback() {
		return []ipspace.Share{{Network: netip.PrefixFrom(ip, ip.BitLen()), Lines: 1}}
	}
	return ipspace.Shares(ip)
}

// shares counts the memory of streams by network.
type shares struct {
	all int64
	log *slog.Logger

	// mu guards used.
	mu   sync.Mutex
	used map[netip.Prefix]int64
}

// add takes memory, or gives it back if n is negative, which it always does.
func (s *shares) add(who []ipspace.Share, n int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range who {
		most := s.all / tcpShare
		if w.Lines > 1 {
			most = s.all / tcpSite
		}
		if n > 0 && s.used[w.Network]+n > most {
			return errShare
		}
	}
	for _, w := range who {
		if s.used[w.Network] += n; s.used[w.Network] <= 0 {
			delete(s.used, w.Network)
		}
	}
	return nil
}

// sharing is the scope of a connection: its spans are the streams.
type sharing struct {
	network.PeerScope
	shares *shares
	who    []ipspace.Share
}

// BeginSpan implements network.ResourceScope.
func (s *sharing) BeginSpan() (network.ResourceScopeSpan, error) {
	span, err := s.PeerScope.BeginSpan()
	if err != nil {
		return nil, err
	}
	return &sharedSpan{ResourceScopeSpan: span, of: s}, nil
}

// sharedSpan is what one stream holds.
type sharedSpan struct {
	network.ResourceScopeSpan
	of *sharing

	// mu guards held.
	mu   sync.Mutex
	held int64 // bytes
}

// ReserveMemory implements network.ResourceScope. The first time is what the stream
// cannot be without; when a window does not grow, nothing is lost.
func (s *sharedSpan) ReserveMemory(size int, prio uint8) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.of.shares.add(s.of.who, int64(size))
	if err != nil && s.held == 0 {
		s.of.shares.log.Warn("connection over TCP cut off", "peer", s.of.Peer().String(), "err", err)
	}
	if err != nil {
		return err
	}
	if err := s.ResourceScopeSpan.ReserveMemory(size, prio); err != nil {
		_ = s.of.shares.add(s.of.who, -int64(size)) // never refused
		return err
	}
	s.held += int64(size)
	return nil
}

// ReleaseMemory implements network.ResourceScope.
func (s *sharedSpan) ReleaseMemory(size int) {
	s.release(int64(size))
	s.ResourceScopeSpan.ReleaseMemory(size)
}

// Done implements network.ResourceScopeSpan.
func (s *sharedSpan) Done() {
	s.release(-1)
	s.ResourceScopeSpan.Done()
}

// release gives back so much, or all if n is negative.
func (s *sharedSpan) release(n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n < 0 || n > s.held {
		n = s.held
	}
	s.held -= n
	_ = s.of.shares.add(s.of.who, -n) // never refused
}
