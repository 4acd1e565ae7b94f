package limits

import (
	"log/slog"
	"net"
	"net/netip"
	"sync"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"quicnprotochat/transport/ipspace"
	"quicnprotochat/transport/tally"
)

// Handshakes is a resource manager that also bounds the handshakes over QUIC that are
// under way: each takes 100 KiB, until it is given up some seconds later. Who comes when
// there are too many is refused, and can come again at once. Of those that one line
// begins (package ipspace) no more are let in than there is room for besides, so that some
// room is always left for others; loopback has no share of its own.
//
// Who only pretends to be at an address gets no further than a part of them: above that,
// each has to show first that it gets what is sent there (Retry, RFC 9000, §8.1.2).
type Handshakes struct {
	network.ResourceManager
	most    int
	refused *tally.Tally

	// mu guards the fields below.
	mu    sync.Mutex
	under int                  // handshakes under way
	lines map[netip.Prefix]int // the same by network
}

// freely is which part of the handshakes may be of addresses that are not proved, and
// lineFreely which part of those of a line.
const (
	freely     = 4
	lineFreely = 2
)

// Handshakes returns m with a bound for handshakes. Its Close closes m.
func (l Limits) Handshakes(m network.ResourceManager, log *slog.Logger) *Handshakes {
	return &Handshakes{
		ResourceManager: m, most: l.handshakes, lines: make(map[netip.Prefix]int),
		refused: tally.New(func(count int) {
			log.Warn("connections over QUIC refused: too many handshakes under way", "most", l.handshakes, "count", count)
		}),
	}
}

// Close implements network.ResourceManager.
func (h *Handshakes) Close() error {
	defer h.refused.Close()
	return h.ResourceManager.Close()
}

// VerifySourceAddress implements network.ResourceManager.
func (h *Handshakes) VerifySourceAddress(addr net.Addr) bool {
	if udp, ok := addr.(*net.UDPAddr); ok && h.doubts(udp.AddrPort().Addr()) {
		return true
	}
	return h.ResourceManager.VerifySourceAddress(addr)
}

// doubts reports whether an address is to be proved.
func (h *Handshakes) doubts(ip netip.Addr) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.under >= h.most/freely {
		return true
	}
	for _, s := range ipspace.Shares(ip) {
		if h.lines[s.Network] >= h.room(s)/lineFreely {
			return true
		}
	}
	return false
}

// room is how many handshakes a network may have. The caller holds mu.
func (h *Handshakes) room(s ipspace.Share) int {
	return int(s.Most(int64(h.most-h.under), int64(h.most)))
}

// OpenConnection implements network.ResourceManager.
func (h *Handshakes) OpenConnection(dir network.Direction, usefd bool, at ma.Multiaddr) (network.ConnManagementScope, error) {
	var shares []ipspace.Share
	counts := dir == network.DirInbound && isQUIC(at)
	if counts {
		ip, _ := manet.ToIP(at)
		addr, _ := netip.AddrFromSlice(ip)
		if shares = ipspace.Shares(addr); !h.enter(shares) {
			h.refused.Add()
			return nil, network.ErrResourceLimitExceeded
		}
	}
	scope, err := h.ResourceManager.OpenConnection(dir, usefd, at)
	switch {
	case !counts:
		return scope, err
	case err != nil:
		h.leave(shares)
		return nil, err
	}
	return &handshake{scope, sync.OnceFunc(func() { h.leave(shares) })}, nil
}

func isQUIC(at ma.Multiaddr) bool {
	if at == nil {
		return false
	}
	_, err := at.ValueForProtocol(ma.P_QUIC_V1)
	return err == nil
}

// enter counts a handshake, or reports that it is one too many.
func (h *Handshakes) enter(shares []ipspace.Share) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.under >= h.most {
		return false
	}
	for _, s := range shares {
		if h.lines[s.Network] >= h.room(s) {
			return false
		}
	}
	h.under++
	for _, s := range shares {
		h.lines[s.Network]++
	}
	return true
}

func (h *Handshakes) leave(shares []ipspace.Share) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.under--
	for _, s := range shares {
		if h.lines[s.Network]--; h.lines[s.Network] == 0 {
			delete(h.lines, s.Network)
		}
	}
}

// handshake is the scope of a connection; its handshake is over when the peer is known,
// or nothing of it is left.
type handshake struct {
	network.ConnManagementScope
	over func()
}

// SetPeer implements network.ConnManagementScope.
func (h *handshake) SetPeer(p peer.ID) error {
	h.over()
	return h.ConnManagementScope.SetPeer(p)
}

// Done implements network.ResourceScopeSpan.
func (h *handshake) Done() {
	h.over()
	h.ConnManagementScope.Done()
}
