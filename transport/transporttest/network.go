package transporttest

import (
	"bytes"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/p2p/transport/quicreuse"
	"github.com/marcopolo/simnet"
	"github.com/quic-go/quic-go"
	"go.uber.org/fx"

	"quicnprotochat/transport"
	"quicnprotochat/transport/plain"
)

// bandwidth of every link, in bits per second.
const bandwidth = 100_000_000

// Network carries the packets of the hosts that were made with its Option. Each
// host listens on addresses of its own choice that are not unspecified and have
// a port, for instance /ip4/1.0.0.1/udp/7000/quic-v1. When a host was closed,
// another may take its address.
type Network struct {
	sim  *simnet.Simnet
	port atomic.Int32 // the last one that Socket gave away

	// mu guards the fields below.
	mu      sync.Mutex
	cuts    map[link]bool
	down    map[netip.Addr]bool
	late    map[link]time.Duration
	worn    map[link]*wear
	sent    map[netip.Addr]int
	sockets map[netip.Addr][]*socket
	// walls are machines behind a firewall, spoken who has sent to whom.
	walls  map[netip.Addr]bool
	spoken map[link]bool
	tap    Tap
}

// link is one direction between two machines.
type link struct{ from, to netip.Addr }

// New starts a network in which each packet takes delay. Close it after all its
// hosts.
func New(delay time.Duration) *Network {
	n := &Network{
		sim:  &simnet.Simnet{LatencyFunc: simnet.StaticLatency(delay), Logger: slog.New(slog.DiscardHandler)},
		cuts: make(map[link]bool), worn: make(map[link]*wear), down: make(map[netip.Addr]bool), late: make(map[link]time.Duration), sent: make(map[netip.Addr]int), sockets: make(map[netip.Addr][]*socket),
		walls: make(map[netip.Addr]bool), spoken: make(map[link]bool),
	}
	n.port.Store(20_000)
	n.sim.Start()
	return n
}

// Close ends the network.
func (n *Network) Close() { n.sim.Close() }

// Option puts a host on the network: give it in transport.Config.Options.
func (n *Network) Option() transport.Option {
	source := new(sourceIP)
	return libp2p.QUICReuse(
		func(l fx.Lifecycle, reset quic.StatelessResetKey, token quic.TokenGeneratorKey, opts ...quicreuse.Option) (*quicreuse.ConnManager, error) {
			cm, err := quicreuse.NewConnManager(reset, token, opts...)
			if err != nil {
				return nil, err
			}
			l.Append(fx.StopHook(cm.Close))
			return cm, nil
		},
		quicreuse.OverrideSourceIPSelector(func() (quicreuse.SourceIPSelector, error) { return source, nil }),
		quicreuse.OverrideListenUDP(func(_ string, addr *net.UDPAddr) (net.PacketConn, error) {
			source.ip.Store(&addr.IP)
			return n.endpoint(addr), nil
		}))
}

// Dialer makes plain connections from a machine, by IP address, each from a port
// of its own.
func (n *Network) Dialer(ip string) plain.Dialer {
	return plain.Dialer{ListenPacket: func(string) (net.PacketConn, error) { return n.Socket(ip), nil }}
}

// Socket returns a socket of a machine, by IP address, with a port of its own.
func (n *Network) Socket(ip string) net.PacketConn {
	return n.endpoint(&net.UDPAddr{IP: net.ParseIP(ip), Port: int(n.port.Add(1))})
}

// Cut drops packets between two machines, by IP address, in both directions, or
// lets them through again.
func (n *Network) Cut(a, b string, cut bool) {
	n.CutOneWay(a, b, cut)
	n.CutOneWay(b, a, cut)
}

// CutOneWay is Cut for packets from one machine to another alone.
func (n *Network) CutOneWay(from, to string, cut bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.cuts[link{netip.MustParseAddr(from), netip.MustParseAddr(to)}] = cut
}

// Delay lets packets between two machines, by IP address, take that much longer
// in both directions; 0 ends it.
func (n *Network) Delay(a, b string, more time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.late[link{netip.MustParseAddr(a), netip.MustParseAddr(b)}] = more
	n.late[link{netip.MustParseAddr(b), netip.MustParseAddr(a)}] = more
}

// Down takes a machine, by IP address, off the network or back.
func (n *Network) Down(ip string, down bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.down[netip.MustParseAddr(ip)] = down
}

// Wall puts a machine, by IP address, behind a firewall that lets packets in only
// from machines that it has sent to since.
func (n *Network) Wall(ip string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.walls[netip.MustParseAddr(ip)] = true
	clear(n.spoken)
}

// Rebind puts a machine, by IP address, behind a NAT, or lets the NAT choose anew:
// from now on its packets come from another port. That which it listens on stays
// open, as one that was forwarded, and those chosen before lead nowhere.
func (n *Network) Rebind(ip string) {
	n.mu.Lock()
	sockets := n.sockets[netip.MustParseAddr(ip)]
	n.mu.Unlock()
	for _, s := range sockets {
		s.rebind()
	}
}

// Sent returns how many packets a machine, by IP address, has sent.
func (n *Network) Sent(ip string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.sent[netip.MustParseAddr(ip)]
}

// pass counts a packet and returns how much later each copy of it comes: none if it
// is dropped.
func (n *Network) pass(from, to netip.Addr) (late []time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.sent[from]++
	l := link{from, to}
	if len(n.walls) > 0 {
		n.spoken[l] = true
	}
	if n.walls[to] && !n.spoken[link{to, from}] {
		return nil
	}
	if n.cuts[l] || n.down[from] || n.down[to] {
		return nil
	}
	late = n.worn[l].copies()
	for i := range late {
		late[i] += n.late[l]
	}
	return late
}

// endpoint returns a socket on the network.
func (n *Network) endpoint(addr *net.UDPAddr) net.PacketConn {
	n.mu.Lock()
	defer n.mu.Unlock()
	ip, _ := netip.AddrFromSlice(addr.IP)
	rate := simnet.LinkSettings{BitsPerSecond: bandwidth}
	conn := n.sim.NewEndpoint(&net.UDPAddr{IP: addr.IP.To16(), Port: addr.Port}, simnet.NodeBiDiLinkSettings{Downlink: rate, Uplink: rate})
	s := &socket{SimConn: conn, network: n, ip: ip.Unmap()}
	n.sockets[s.ip] = append(n.sockets[s.ip], s)
	return s
}

// socket is a simulated UDP socket whose packets may be dropped.
type socket struct {
	*simnet.SimConn
	network *Network
	ip      netip.Addr
	outside atomic.Pointer[simnet.SimConn] // where packets come from; nil: as they are
}

// rebind lets packets come from another port from now on.
func (s *socket) rebind() {
	n := s.network
	rate := simnet.LinkSettings{BitsPerSecond: bandwidth}
	addr := &net.UDPAddr{IP: net.IP(s.ip.AsSlice()).To16(), Port: int(n.port.Add(1))}
	outside := n.sim.NewEndpoint(addr, simnet.NodeBiDiLinkSettings{Downlink: rate, Uplink: rate})
	if old := s.outside.Swap(outside); old != nil {
		old.Close()
	}
	go func() {
		b := make([]byte, 1<<16)
		for {
			k, from, err := outside.ReadFrom(b)
			if err != nil {
				return
			}
			// Into the machine, as from whom it came.
			in := simnet.NewSimConn(from.(*net.UDPAddr))
			in.SetUpPacketReceiver(s.SimConn)
			_, _ = in.WriteTo(bytes.Clone(b[:k]), s.SimConn.LocalAddr())
		}
	}()
}

// Close closes the socket.
func (s *socket) Close() error {
	if outside := s.outside.Load(); outside != nil {
		outside.Close()
	}
	return s.SimConn.Close()
}

// WriteTo sends a packet or drops it silently, as networks do.
func (s *socket) WriteTo(b []byte, to net.Addr) (int, error) {
	udp, ok := to.(*net.UDPAddr)
	if !ok {
		return s.SimConn.WriteTo(b, to)
	}
	// The network tells the two forms of an IPv4 address apart.
	to = &net.UDPAddr{IP: udp.IP.To16(), Port: udp.Port}
	conn := s.SimConn
	if outside := s.outside.Load(); outside != nil {
		conn = outside
	}
	there := udp.AddrPort().Addr().Unmap()
	b = s.network.tapped(s.ip, there, b)
	for _, late := range s.network.pass(s.ip, there) {
		if late == 0 {
			if n, err := conn.WriteTo(b, to); err != nil {
				return n, err
			}
			continue
		}
		packet := bytes.Clone(b)
		time.AfterFunc(late, func() { _, _ = conn.WriteTo(packet, to) })
	}
	return len(b), nil
}

// sourceIP tells QUIC which of the host's addresses packets come from: the last
// one that it listened on.
type sourceIP struct{ ip atomic.Pointer[net.IP] }

// PreferredSourceIPForDestination implements quicreuse.SourceIPSelector.
func (s *sourceIP) PreferredSourceIPForDestination(*net.UDPAddr) (net.IP, error) {
	if ip := s.ip.Load(); ip != nil {
		return *ip, nil
	}
	return net.IPv4zero, nil
}
