package limits

import (
	"cmp"
	"fmt"
	"net/netip"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/protocol"
	rcmgr "github.com/libp2p/go-libp2p/p2p/host/resource-manager"
	"github.com/libp2p/go-libp2p/x/rate"

	"quicnprotochat/transport/ipspace"
)

// Limits are what a host lets others use of it. What is above a limit is reset
// or refused at once; what is below it goes on.
type Limits struct {
	conns         int   // connections in all
	streams       int   // streams in all
	pending       int   // streams whose protocol is not known yet
	memory        int64 // bytes by which QUIC's receive windows may grow, together
	connsPerIP    int   // connections per IPv4 address or IPv6 /56
	newConnsPerIP rate.Limit
	handshakes    int // over QUIC, under way
}

var (
	// Node are those of a node.
	Node = Limits{
		conns: 512, streams: 8192, pending: 2048, memory: 32 << 20,
		connsPerIP: 32, newConnsPerIP: rate.Limit{RPS: 4, Burst: 64}, handshakes: 128,
	}
	// Server are those of a relay, which sees whole villages behind one address of
	// a carrier's NAT.
	Server = Limits{
		conns: 50_000, streams: 200_000, pending: 16_384, memory: 64 << 20,
		connsPerIP: 2048, newConnsPerIP: rate.Limit{RPS: 100, Burst: 2048}, handshakes: 384,
	}
)

const (
	// maxPeerStreams is how many NodeService streams one peer may have open to us:
	// one is usual, a few more appear when both sides connect at once.
	maxPeerStreams = 16
	// maxPeerPending also counts streams of other protocols and none.
	maxPeerPending = 64
	// connMemory is how much the receive window of one connection may grow, from
	// 768 KiB to twice that: libp2p grants three fifths of what it is told. Who
	// sends more than we read fills the window, so all windows together must fit
	// into memory.
	connMemory = 2 << 20
	// scaleMemory sets those of libp2p's own limits that are not named here.
	scaleMemory = 1 << 30
	// maxPeerConns leaves room for all addresses that are dialled at a time.
	maxPeerConns = 24
)

// With puts in place what was chosen: connections in all, those of one address,
// new ones of one address in a second, and handshakes under way, if that is more than
// there is. 0 keeps what is there.
func (l Limits) With(conns, perAddr, newPerAddr, handshakes int) Limits {
	l.handshakes = max(l.handshakes, handshakes)
	l.conns = cmp.Or(conns, l.conns)
	l.connsPerIP = cmp.Or(perAddr, l.connsPerIP)
	if n := newPerAddr; n != 0 {
		l.newConnsPerIP = rate.Limit{RPS: float64(n), Burst: max(16, 16*n)}
	}
	return l
}

// ResourceManager returns the part of libp2p that enforces l, for streams of a
// protocol, which NodeService is.
func (l Limits) ResourceManager(service protocol.ID) (network.ResourceManager, error) {
	scaling := rcmgr.DefaultLimits
	libp2p.SetDefaultServiceLimits(&scaling)
	all := rcmgr.ResourceLimits{
		Conns: rcmgr.LimitVal(l.conns), ConnsInbound: rcmgr.LimitVal(l.conns), ConnsOutbound: rcmgr.LimitVal(l.conns),
		Streams: rcmgr.LimitVal(l.streams), StreamsInbound: rcmgr.LimitVal(l.streams), StreamsOutbound: rcmgr.LimitVal(l.streams),
		Memory: rcmgr.LimitVal64(l.memory),
	}
	pending := all
	pending.Streams, pending.StreamsInbound, pending.StreamsOutbound = rcmgr.LimitVal(2*l.pending), rcmgr.LimitVal(l.pending), rcmgr.LimitVal(l.pending)
	pending.Conns, pending.ConnsInbound, pending.ConnsOutbound = rcmgr.LimitVal(l.pending), rcmgr.LimitVal(l.pending/2), rcmgr.LimitVal(l.pending/2)
	// identify runs once per connection; its defaults would hold back a relay.
	identify := rcmgr.ResourceLimits{Streams: all.Streams, StreamsInbound: all.StreamsInbound, StreamsOutbound: all.StreamsOutbound, Memory: all.Memory}
	partial := rcmgr.PartialLimitConfig{
		System: all, Conn: rcmgr.ResourceLimits{Memory: connMemory}, Transient: pending, ServiceDefault: identify, ProtocolDefault: identify,
		Service:  map[string]rcmgr.ResourceLimits{"libp2p.identify": identify},
		Protocol: map[protocol.ID]rcmgr.ResourceLimits{service: identify, "/ipfs/id/1.0.0": identify, "/ipfs/id/push/1.0.0": identify},
		PeerDefault: rcmgr.ResourceLimits{
			Conns: maxPeerConns, ConnsInbound: maxPeerConns / 2, ConnsOutbound: maxPeerConns,
			Streams: 2 * maxPeerPending, StreamsInbound: maxPeerPending, StreamsOutbound: maxPeerPending, Memory: 4 * connMemory,
		},
		ProtocolPeer: map[protocol.ID]rcmgr.ResourceLimits{
			service: {Streams: 2 * maxPeerStreams, StreamsInbound: maxPeerStreams, StreamsOutbound: maxPeerStreams},
		},
	}
	limiter := rcmgr.NewFixedLimiter(partial.Build(scaling.Scale(scaleMemory, 0)))
	m, err := rcmgr.NewResourceManager(limiter, rcmgr.WithMetricsDisabled(),
		rcmgr.WithLimitPerSubnet(
			[]rcmgr.ConnLimitPerSubnet{{PrefixLength: 32, ConnCount: l.connsPerIP}},
			[]rcmgr.ConnLimitPerSubnet{{PrefixLength: ipspace.LineBits, ConnCount: l.connsPerIP}, {PrefixLength: ipspace.SiteBits, ConnCount: ipspace.SiteLines * l.connsPerIP}}),
		rcmgr.WithConnRateLimiters(l.newConns()))
	if err != nil {
		return nil, fmt.Errorf("resource manager: %w", err)
	}
	return m, nil
}

// newConns returns the limit of new connections. Loopback is free.
func (l Limits) newConns() *rate.Limiter {
	site := rate.Limit{RPS: ipspace.SiteLines * l.newConnsPerIP.RPS, Burst: ipspace.SiteLines * l.newConnsPerIP.Burst}
	return &rate.Limiter{
		NetworkPrefixLimits: []rate.PrefixLimit{{Prefix: netip.MustParsePrefix("127.0.0.0/8")}, {Prefix: netip.MustParsePrefix("::1/128")}},
		SubnetRateLimiter: rate.SubnetLimiter{
			IPv4SubnetLimits: []rate.SubnetLimit{{PrefixLength: 32, Limit: l.newConnsPerIP}},
			IPv6SubnetLimits: []rate.SubnetLimit{{PrefixLength: ipspace.LineBits, Limit: l.newConnsPerIP}, {PrefixLength: ipspace.SiteBits, Limit: site}},
		},
	}
}
