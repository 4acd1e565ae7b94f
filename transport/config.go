package transport

import (
	"crypto/ed25519"
	"fmt"
	"log/slog"
	"os"
	"reflect"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p"
	libp2pconfig "github.com/libp2p/go-libp2p/config"
	"github.com/libp2p/go-libp2p/core/connmgr"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/p2p/muxer/yamux"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	libp2ptls "github.com/libp2p/go-libp2p/p2p/security/tls"
	libp2pquic "github.com/libp2p/go-libp2p/p2p/transport/quic"
	"github.com/libp2p/go-libp2p/p2p/transport/quicreuse"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	ma "github.com/multiformats/go-multiaddr"
	"github.com/quic-go/quic-go"
	"go.uber.org/fx"

	"quicnprotochat/transport/limits"
	"quicnprotochat/transport/plain"
)

// Option changes how libp2p is set up. The name is here for callers that do not
// know libp2p.
type Option = libp2p.Option

// Config says how a Host is made. Callbacks may be nil. They are called without
// locks held, each of OnPeer, OnLAN and OnAddrs with OnWake by one goroutine; they may use
// the Host but must not call Close, which waits for them.
type Config struct {
	// PrivateKey is the host's identity. Required.
	PrivateKey ed25519.PrivateKey
	// Listen are the addresses to listen on; port 0 picks one, for all addresses
	// the same if it is free. Default: /ip4/0.0.0.0/udp/0/quic-v1 and
	// /ip6/::/udp/0/quic-v1. A missing IPv6 is not an error if another address works.
	Listen []Addr
	// LAN turns on discovery by multicast DNS on the local network. Default off.
	LAN bool
	// LANKey, if it is set, returns the key under which this host's announcements
	// there are sealed: who does not know it learns neither its key nor an address.
	LANKey func() ([32]byte, error)
	// LANKeys returns the keys under which peers seal theirs. If it is nil, those
	// that are sealed are not read.
	LANKeys func() map[Key][32]byte
	// Server raises limits to those of a relay with many peers. Default off.
	Server bool
	// MaxConns bounds the connections, MaxConnsPerAddr those from one IPv4 address
	// or IPv6 /56, NewConnsPerAddr how many may come from there in a second, in the
	// long run. Loopback has no share of its own. Default 512, 32 and 4; of a
	// server 50,000, 2048 and 100.
	MaxConns, MaxConnsPerAddr, NewConnsPerAddr int
	// Log gets what happens that no caller is told. Default: nothing is logged.
	Log *slog.Logger
	// OnStream gets each inbound NodeService stream in a goroutine of its own. The
	// stream is closed when it returns. If nil, inbound streams are refused.
	OnStream func(*Stream)
	// OnPlain gets each stream of NodeService over QUIC without libp2p (package
	// plain) in a goroutine of its own, from its first byte on; it is closed when
	// OnPlain returns. If set, it is served on all QUIC addresses of Listen and on
	// those of PlainListen. If nil, it is not served.
	OnPlain func(*plain.Stream)
	// PlainListen are more addresses for OnPlain. Default: none.
	PlainListen []Addr
	// PlainLimits bound what its callers use. Default: see plain.Limits.
	PlainLimits plain.Limits
	// OnPeer is told when the first connection to a peer is there and when the last
	// one is gone. A loss and a return in quick succession are told as two calls.
	OnPeer func(k Key, connected bool)
	// OnLAN is told each time a peer is found on the local network; its addresses
	// are learnt already.
	OnLAN func(k Key)
	// OnAddrs is told when Addrs changed, up to addrsInterval late.
	OnAddrs func()
	// OnWake is told when this machine slept, up to addrsInterval late: connections
	// may be gone without a word.
	OnWake func()
	// OnReach is told when Reachability changed. Default: nobody is told.
	OnReach func()
	// MayPunch says who may learn our addresses in order to make a direct
	// connection through NATs with us. Default: nobody; then circuits are neither
	// asked for nor answered, and Reachability stays empty.
	MayPunch func(k Key) bool
	// PortMap asks the router to forward our port, by UPnP or NAT-PMP, while the
	// host listens on other addresses than loopback. Default off.
	PortMap bool
	// TCP listens on the TCP port of the same number as well, for those whose network
	// blocks UDP. If it cannot, that is logged. Default off.
	TCP bool
	// Circuits lends circuits, so that others can punch, and dials others back, so
	// that they know whether they can be reached. Default off.
	Circuits bool
	// MayReserve says who may be called over our circuits, MaxReservations how many
	// may be at a time. Default: everybody, 8192.
	MayReserve      func(k Key) bool
	MaxReservations int
	// Options are given to libp2p last. Tests put a simulated network here.
	Options []Option
}

const (
	// On a quiet connection the side that dialled sends a packet each keepAlive,
	// which NATs need; what is dead is given up idleTimeout later, so after a minute
	// at most. Who has messages on the way must look sooner.
	keepAlive   = 20 * time.Second
	idleTimeout = 40 * time.Second
	// dialTimeout bounds one try at one address; QUIC gives up after as long.
	dialTimeout = 5 * time.Second
)

// quietQUIC keeps quic-go from writing its advice on kernel buffers to standard
// error, where scripts read our errors. It can be asked for by the environment alone.
var quietQUIC = sync.OnceFunc(func() {
	const name = "QUIC_GO_DISABLE_RECEIVE_BUFFER_WARNING"
	if _, set := os.LookupEnv(name); !set {
		os.Setenv(name, "true")
	}
})

// options returns what libp2p is made with; sockets is given what owns the UDP
// sockets.
func (c Config) options(h *Host, sockets func(*quicreuse.ConnManager)) ([]libp2p.Option, error) {
	priv, err := crypto.UnmarshalEd25519PrivateKey(c.PrivateKey)
	if err != nil {
		return nil, fmt.Errorf("private key: %w", err)
	}
	l := limits.Node
	if c.Server {
		l = limits.Server
	}
	l = l.With(c.MaxConns, c.MaxConnsPerAddr, c.NewConnsPerAddr, c.PlainLimits.Handshakes)
	resources, err := l.ResourceManager(Protocol)
	if err != nil {
		return nil, err
	}
	certificate, err := atAllTimes()
	if err != nil {
		return nil, err
	}
	opts := []libp2p.Option{
		libp2p.Identity(priv),
		libp2p.NoListenAddrs, // listen looks at each address's error
		libp2p.Transport(libp2pquic.NewTransport, libp2pquic.WithTLSIdentityOption(certificate)),
		// TCP and circuits are encrypted as QUIC is.
		libp2p.Security(libp2ptls.ID, libp2ptls.New),
		libp2p.Muxer(yamux.ID, l.Muxer(yamux.DefaultTransport, h.log)),
		libp2p.ResourceManager(l.Handshakes(resources, h.log)),
		libp2p.ConnectionManager(connmgr.NullConnMgr{}), // limits refuse, nothing is trimmed
		c.circuitOption(),
		libp2p.DisableMetrics(),
		libp2p.DisableIdentifyAddressDiscovery(),
		libp2p.Ping(false),
		libp2p.UserAgent("quicnprotochat"),
		// identify would tell all our addresses to whoever connects.
		libp2p.AddrsFactory(func([]ma.Multiaddr) []ma.Multiaddr { return nil }),
		// They would refuse dials because earlier ones to others failed.
		libp2p.UDPBlackHoleSuccessCounter(nil),
		libp2p.IPv6BlackHoleSuccessCounter(nil),
		libp2p.SwarmOpts(swarm.WithDialRanker(h.order.rank), swarm.WithDialTimeout(dialTimeout), swarm.WithDialTimeoutLocal(dialTimeout)),
		libp2p.WithFxOption(fx.Invoke(func(cm *quicreuse.ConnManager) {
			dialling := cm.ClientConfig()
			dialling.KeepAlivePeriod, dialling.MaxIdleTimeout, dialling.InitialPacketSize = keepAlive, idleTimeout, plain.LeastPacket
			if listening := serverConfig(cm); listening != nil {
				listening.KeepAlivePeriod, listening.MaxIdleTimeout, listening.InitialPacketSize = 0, idleTimeout, plain.LeastPacket
			}
			sockets(cm)
		})),
	}
	if c.ownSockets() {
		doorway := limits.NewDoorway(h.log)
		opts = append(opts, libp2p.Transport(tcp.NewTCPTransport), libp2p.ConnectionGater(doorway),
			libp2p.WithFxOption(fx.Invoke(func(l fx.Lifecycle) { l.Append(fx.StopHook(doorway.Close)) })))
	}
	return append(opts, c.Options...), nil
}

// circuitOption lets circuits be dialled and answered, if we punch.
func (c Config) circuitOption() libp2p.Option {
	if c.MayPunch == nil {
		return libp2p.DisableRelay()
	}
	return libp2p.EnableRelay()
}

// ownSockets reports whether QUIC's sockets are the machine's. In a simulated
// network they are not, and then nothing else may open any.
func (c Config) ownSockets() bool {
	var cfg libp2pconfig.Config
	return cfg.Apply(c.Options...) == nil && cfg.QUICReuse == nil
}

// newDialer returns a host without a listener and with a key of its own, which
// dials others back so that they know whether they are open to everybody.
func newDialer() (host.Host, error) {
	resources, err := limits.Node.ResourceManager(Protocol)
	if err != nil {
		return nil, err
	}
	h, err := libp2p.New(
		libp2p.NoListenAddrs,
		libp2p.Transport(libp2pquic.NewTransport),
		libp2p.ResourceManager(resources),
		libp2p.ConnectionManager(connmgr.NullConnMgr{}),
		libp2p.DisableRelay(),
		libp2p.DisableMetrics(),
		libp2p.DisableIdentifyAddressDiscovery(),
		libp2p.Ping(false),
		libp2p.UserAgent("quicnprotochat"),
		libp2p.UDPBlackHoleSuccessCounter(nil),
		libp2p.IPv6BlackHoleSuccessCounter(nil),
		libp2p.WithFxOption(fx.Invoke(func(cm *quicreuse.ConnManager) { cm.ClientConfig().InitialPacketSize = plain.LeastPacket })),
	)
	if err != nil {
		return nil, fmt.Errorf("dial back: %w", err)
	}
	return h, nil
}

// serverConfig returns what QUIC listens with, nil if it is not to be had. libp2p has
// no setting for it, and would let the side that was dialled send a packet each 15 s.
func serverConfig(cm *quicreuse.ConnManager) *quic.Config {
	field := reflect.ValueOf(cm).Elem().FieldByName("serverConfig")
	if !field.IsValid() || field.Type() != reflect.TypeFor[*quic.Config]() {
		return nil
	}
	return (*quic.Config)(field.UnsafePointer())
}
