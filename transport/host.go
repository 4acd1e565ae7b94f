package transport

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/p2p/transport/quicreuse"

	"quicnprotochat/transport/ipspace"
	"quicnprotochat/transport/lan"
	"quicnprotochat/transport/reach"
)

// Host is this machine as others see it: one key, its sockets, its connections.
// Its methods may be called from any goroutine.
type Host struct {
	cfg    Config
	log    *slog.Logger
	key    Key
	host   host.Host
	book   book
	order  rankOrder
	dials  dials
	events peerEvents
	lan    *lan.Discovery // nil if discovery is off
	plain  *plainQUIC     // nil if it is not served
	reach  *reach.Reach
	ports  *ports // nil if no router is asked

	reachNews chan struct{} // of size 1: reach has something new

	// offering guards libp2p's book of addresses while it is changed.
	offering sync.Mutex

	ctx     context.Context // ends when Close begins
	cancel  context.CancelFunc
	wg      sync.WaitGroup // what the host started
	leaving sync.WaitGroup // leaveTCP, which dials

	// mu guards closed, so that nothing is added to wg after Close waits for it.
	mu     sync.Mutex
	closed bool

	closeOnce sync.Once
	closeErr  error
}

// PeerStatus is what a Host can say of a peer.
type PeerStatus struct {
	Connected bool
	Path      Path      // PathNone if not connected
	Remote    Addr      // "" if not connected
	Tried     []Attempt // addresses dialled and what became of it, oldest first, at most 16
}

// New makes a Host that listens at once. It reports ErrListen if it cannot.
func New(cfg Config) (*Host, error) {
	if len(cfg.PrivateKey) != ed25519.PrivateKeySize {
		return nil, errors.New("new host: no private key")
	}
	quietQUIC()
	h := &Host{cfg: cfg, log: cfg.Log, key: KeyOf(cfg.PrivateKey.Public().(ed25519.PublicKey))}
	if h.log == nil {
		h.log = slog.New(slog.DiscardHandler)
	}
	var sockets *quicreuse.ConnManager
	opts, err := cfg.options(h, func(cm *quicreuse.ConnManager) { sockets = cm })
	if err != nil {
		return nil, fmt.Errorf("new host: %w", err)
	}
	h.host, err = libp2p.New(opts...)
	if err != nil {
		return nil, fmt.Errorf("new host: %w", err)
	}
	h.ctx, h.cancel = context.WithCancel(context.Background())
	h.events.wake, h.reachNews = make(chan struct{}, 1), make(chan struct{}, 1)
	if cfg.ownSockets() && cfg.PortMap && !slices.ContainsFunc(cfg.Listen, Addr.IsLoopback) {
		h.ports = h.newPorts()
	}
	if err = h.openReach(); err != nil {
		h.cancel()
		return nil, errors.Join(fmt.Errorf("new host: %w", err), h.host.Close())
	}
	h.host.Network().Notify(h.notifiee())
	if cfg.OnStream != nil {
		h.host.SetStreamHandler(Protocol, h.handle)
	}
	err = h.listen(cfg.Listen)
	if err == nil {
		err = h.servePlain(sockets)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("new host: %w", err), h.Close())
	}
	h.start(h.runEvents)
	h.start(func() { h.reach.Run(h.ctx) })
	if h.ports != nil {
		h.start(func() { h.ports.Run(h.ctx) })
	}
	if cfg.LAN {
		h.lan = lan.New(lan.Config{
			Self: h.key, Addrs: h.lanAddrs, Key: cfg.LANKey, Keys: cfg.LANKeys, Found: h.foundOnLAN, Log: h.log,
		})
		h.start(func() { h.lan.Run(h.ctx) })
	}
	h.start(h.watchAddrs)
	h.start(h.renew)
	if cfg.ownSockets() {
		h.leaving.Go(h.leaveTCP)
	}
	return h, nil
}

// Key returns the host's own key.
func (h *Host) Key() Key { return h.key }

// Learn notes addresses of a peer. What SourceRelay and SourcePeer tell replaces
// what the same source told before, but a peer that tells none is away, and may come back
// to where it was. From SourceRelay, which may be anywhere, only public addresses are
// taken; see LearnFromRelay. From SourcePeer loopback is taken only if that peer is known
// to be near.
func (h *Host) Learn(k Key, src Source, addrs []Addr) {
	switch {
	case src == SourcePeer && len(addrs) == 0:
		return
	case src == SourceRelay:
		addrs = publicOnly(addrs)
	case src == SourcePeer && !h.isNear(k):
		addrs = slices.DeleteFunc(slices.Clone(addrs), Addr.IsLoopback)
	}
	h.learn(k, src, addrs)
}

// LearnFromRelay notes addresses of a peer that a relay handed out. If the relay
// is itself reached at a public address, or is not known to be near, it must not
// make us dial machines on our own networks: only public addresses are taken.
func (h *Host) LearnFromRelay(k, relay Key, addrs []Addr) {
	if !h.isNear(relay) {
		addrs = publicOnly(addrs)
	}
	h.learn(k, SourceRelay, addrs)
}

// Peer returns what is known of the way to a peer.
func (h *Host) Peer(k Key) PeerStatus {
	s := PeerStatus{Path: PathNone, Tried: h.book.tried(k)}
	if conns := h.connsTo(k); len(conns) > 0 {
		s.Connected, s.Remote, s.Path = true, conns[0].remote, conns[0].path
	}
	return s
}

// Farthest returns how far the networks of this machine lead, see ipspace.Farthest; Public
// in a simulated network, and where the host listens for this machine alone: then that is
// of no concern.
func (h *Host) Farthest() ipspace.Scope {
	if !h.cfg.ownSockets() || !slices.ContainsFunc(h.listening(), func(a Addr) bool { return !a.IsLoopback() }) {
		return ipspace.Public
	}
	return ipspace.Farthest()
}

// Connected returns the keys of all peers to which there is a connection.
func (h *Host) Connected() []Key { return h.events.connected() }

// LAN returns the keys found on the local network in the last minutes.
func (h *Host) LAN() []Key {
	if h.lan == nil {
		return nil
	}
	return h.lan.Keys(time.Now())
}

// foundOnLAN notes where a peer is on the local network, and tells of it.
func (h *Host) foundOnLAN(k Key, addrs []Addr) {
	h.learn(k, SourceLAN, addrs)
	if h.cfg.OnLAN != nil {
		h.cfg.OnLAN(k)
	}
}

// Close ends all connections and waits until no callback runs and none will.
func (h *Host) Close() error {
	h.closeOnce.Do(func() {
		h.mu.Lock()
		h.closed = true
		h.mu.Unlock()
		h.cancel()
		h.plain.close()
		h.reach.Close()
		h.dials.wait() // libp2p panics on a dial of a host that is closed
		h.leaving.Wait()
		if err := h.host.Close(); err != nil {
			h.closeErr = fmt.Errorf("close host: %w", err)
		}
		h.wg.Wait()
	})
	return h.closeErr
}

// learn notes addresses and forgets nothing else.
func (h *Host) learn(k Key, src Source, addrs []Addr) {
	if k == h.key || k.IsZero() {
		return
	}
	h.book.learn(k, src, addrs, time.Now())
}

// isNear reports whether k is known to be on this machine or its networks.
func (h *Host) isNear(k Key) bool {
	conns := h.connsTo(k)
	if len(conns) == 0 {
		return h.book.hasLocal(k)
	}
	return slices.ContainsFunc(conns, func(c peerConn) bool {
		ip, ok := c.remote.IP()
		return ok && ipspace.Of(ip) < ipspace.Public
	})
}

// publicOnly drops what is not a public IP address. Names are dropped too: they
// can stand for any address.
func publicOnly(addrs []Addr) []Addr {
	return slices.DeleteFunc(slices.Clone(addrs), func(a Addr) bool { return !a.IsPublic() })
}

// handle serves one inbound stream.
func (h *Host) handle(s network.Stream) {
	if !h.begin() {
		s.Reset()
		return
	}
	stream, err := h.newStream(s, s)
	if err != nil || s.Conn().Stat().Limited {
		h.wg.Done()
		s.Reset()
		return
	}
	// What libp2p has on its stack up to here would stay there with the stream.
	go func() {
		defer h.wg.Done()
		defer stream.Close()
		h.cfg.OnStream(stream)
	}()
}

// begin counts a goroutine of the host; false means that it is closing.
func (h *Host) begin() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return false
	}
	h.wg.Add(1)
	return true
}

// start runs f in a goroutine that Close waits for.
func (h *Host) start(f func()) {
	if !h.begin() {
		return
	}
	go func() {
		defer h.wg.Done()
		f()
	}()
}

// peerConn is one live connection that may carry streams of ours.
type peerConn struct {
	conn   network.Conn
	remote Addr
	path   Path
}

// connsTo returns the live connections to a peer, the best first: on the local
// network before others, then over QUIC before TCP, then the newest. Circuits are left out.
func (h *Host) connsTo(k Key) []peerConn {
	var out []peerConn
	for _, c := range h.host.Network().ConnsToPeer(k.PeerID()) {
		if c.IsClosed() || c.Stat().Limited {
			continue
		}
		remote, path := h.remoteOf(c)
		out = append(out, peerConn{c, remote, path})
	}
	slices.SortStableFunc(out, func(a, b peerConn) int {
		if a.path != b.path {
			return boolOrder(a.path != PathLAN, b.path != PathLAN)
		}
		if a.remote.IsQUIC() != b.remote.IsQUIC() {
			return boolOrder(!a.remote.IsQUIC(), !b.remote.IsQUIC())
		}
		return b.conn.Stat().Opened.Compare(a.conn.Stat().Opened)
	})
	return out
}
