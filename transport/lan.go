package transport

import (
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"quicnprotochat/transport/ipspace"
	"quicnprotochat/transport/mdns"
)

const (
	maxLANPeers = 256
	lanTellGap  = 10 * time.Second // between two OnLAN for one unchanged peer
)

// lan keeps whom multicast DNS finds on the local network. What is heard is not
// proved before the peer is dialled, so it is bounded, and only addresses on
// networks of this machine are believed.
type lan struct {
	host   *Host
	sealed *rate.Limiter // of sealed announcements that are tried

	// mu guards peers.
	mu    sync.Mutex
	peers map[Key]lanSeen
}

// lanSeen is when and where a peer was heard.
type lanSeen struct {
	at, told time.Time
	addrs    []Addr
}

// lanPeer is a node that announces itself, or says goodbye.
type lanPeer struct {
	key   Key
	addrs []Addr
	gone  bool
}

// newLAN prepares discovery for h.
func newLAN(h *Host) *lan {
	return &lan{host: h, sealed: rate.NewLimiter(rate.Every(sealedEvery), sealedBurst), peers: make(map[Key]lanSeen)}
}

// run listens and announces until the host closes.
func (l *lan) run() {
	cfg := mdns.Config{
		Addrs:    l.announced,
		Networks: ipspace.Networks,
		Near:     ipspace.Near,
		Heard: func(n mdns.Node, nets []netip.Prefix) {
			if p, ok := lanPeerOf(n); ok {
				l.heard(p, nets, time.Now())
			} else if n.Sealed != nil {
				l.heardSealed(n, nets, time.Now())
			}
		},
		Log: l.host.log,
	}
	if l.host.cfg.LANKey != nil {
		cfg.Seal = l.seal
	}
	mdns.New(cfg).Run(l.host.ctx)
}

// announced returns the host's addresses with its key.
func (l *lan) announced() []mdns.Addr {
	var out []mdns.Addr
	for _, a := range l.host.LocalAddrs() {
		if ip, ok := a.IP(); ok {
			out = append(out, mdns.Addr{IP: ip, Text: a.WithKey(l.host.key)})
		}
	}
	return out
}

// lanPeerOf reads the addresses of a node; those that are malformed, and of
// another key than the first, are passed over. ok is false if none is left.
func lanPeerOf(n mdns.Node) (p lanPeer, ok bool) {
	p.gone = n.Gone
	for _, text := range n.Addrs {
		addrText, keyText, hasKey := strings.Cut(text, "/p2p/")
		if !hasKey || len(p.addrs) >= mdns.MaxAddrs {
			continue
		}
		addr, addrErr := ParseAddr(addrText)
		key, keyErr := ParseKey(keyText)
		if addrErr != nil || keyErr != nil || !p.key.IsZero() && key != p.key {
			continue
		}
		p.key = key
		p.addrs = append(p.addrs, addr)
	}
	return p, !p.key.IsZero()
}

// heard notes one peer.
func (l *lan) heard(p lanPeer, nets []netip.Prefix, now time.Time) {
	if p.key == l.host.key {
		return
	}
	if p.gone {
		l.mu.Lock()
		delete(l.peers, p.key)
		l.mu.Unlock()
		return
	}
	addrs := slices.DeleteFunc(slices.Clone(p.addrs), func(a Addr) bool {
		ip, ok := a.IP()
		return !ok || !a.CanDial() || !ipspace.Near(ip, nets)
	})
	if len(addrs) == 0 || !l.note(p.key, addrs, now) {
		return
	}
	l.host.learn(p.key, SourceLAN, addrs)
	l.host.log.Debug("found on the local network", "peer", p.key, "addrs", addrs)
	if l.host.cfg.OnLAN != nil {
		l.host.cfg.OnLAN(p.key)
	}
}

// note keeps that k was heard; false means that it is no news.
func (l *lan) note(k Key, addrs []Addr, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for key, s := range l.peers {
		if now.Sub(s.at) > lanLife {
			delete(l.peers, key)
		}
	}
	old, known := l.peers[k]
	if !known && len(l.peers) >= maxLANPeers {
		return false
	}
	seen := lanSeen{at: now, told: now, addrs: addrs}
	news := !known || now.Sub(old.told) >= lanTellGap || !slices.Equal(old.addrs, addrs)
	if !news {
		seen.told = old.told
	}
	l.peers[k] = seen
	return news
}

// keys returns who was heard in the last lanLife.
func (l *lan) keys(now time.Time) []Key {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []Key
	for k, s := range l.peers {
		if now.Sub(s.at) <= lanLife {
			out = append(out, k)
		}
	}
	return out
}
