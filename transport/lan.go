package transport

import (
	"crypto/rand"
	mathrand "math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	maxLANPeers     = 256
	lanAnnounce     = time.Minute      // between announcements, with jitter
	lanRecordTTL    = 180              // seconds, as lanLife
	lanAnswerGap    = time.Second      // between answers to queries
	lanTellGap      = 10 * time.Second // between two OnLAN for one unchanged peer
	lanStartQueries = 3                // at 0 s, 1 s and 3 s
)

// lan finds peers on the local network and lets itself be found, by multicast
// DNS: a node that comes up asks, all answer, and each announces itself every
// minute. What is heard is not proved before the peer is dialled, so it is
// bounded, and only addresses on networks of this machine are believed. A
// message holds the key and the addresses of one network and no name.
type lan struct {
	host     *Host
	instance string // random: names nothing
	packets  chan lanPacket
	answered time.Time
	warned   bool

	// mu guards peers.
	mu    sync.Mutex
	peers map[Key]lanSeen
}

// lanSeen is when and where a peer was heard.
type lanSeen struct {
	at, told time.Time
	addrs    []Addr
}

// lanPacket is one message and who sent it.
type lanPacket struct {
	data []byte
	from netip.Addr
}

// lanSession is one set of sockets; it ends when the machine's networks change.
type lanSession struct {
	sockets []*mdnsSocket
	ifis    []net.Interface
	nets    []netip.Prefix
	own     []Addr // as last announced
	readers sync.WaitGroup
}

// newLAN prepares discovery for h.
func newLAN(h *Host) *lan {
	return &lan{host: h, instance: strings.ToLower(rand.Text()), packets: make(chan lanPacket, 64), peers: make(map[Key]lanSeen)}
}

// run listens and announces until the host closes. When no network takes part
// it warns once and looks again later.
func (l *lan) run() {
	for l.host.ctx.Err() == nil {
		s := l.open()
		if s != nil {
			l.session(s)
			s.close()
			continue
		}
		select {
		case <-l.host.ctx.Done():
		case <-time.After(addrsInterval):
		}
	}
}

// open opens the sockets; nil if there are none to be had now.
func (l *lan) open() *lanSession {
	s := &lanSession{ifis: mdnsInterfaces(), nets: interfacePrefixes()}
	for _, v6 := range []bool{false, true} {
		socket, err := openMDNS(v6, s.ifis)
		if err != nil {
			l.host.log.Debug("no multicast", "ipv6", v6, "err", err)
			continue
		}
		s.sockets = append(s.sockets, socket)
		s.readers.Add(1)
		go func() {
			defer s.readers.Done()
			l.read(socket.conn)
		}()
	}
	if len(s.sockets) > 0 {
		return s
	}
	if !l.warned {
		l.warned = true
		l.host.log.Warn("nothing is found on the local network: no interface takes multicast")
	}
	return nil
}

// close ends the session.
func (s *lanSession) close() {
	for _, socket := range s.sockets {
		socket.conn.Close()
	}
	s.readers.Wait()
}

// session serves one set of sockets until networks change or the host closes.
func (l *lan) session(s *lanSession) {
	check := time.NewTicker(addrsInterval)
	defer check.Stop()
	announce := time.NewTimer(0)
	defer announce.Stop()
	for round := 0; ; {
		select {
		case <-l.host.ctx.Done():
			l.announce(s, 0)
			return
		case <-check.C:
			if !slices.Equal(interfacePrefixes(), s.nets) {
				return
			}
		case <-announce.C:
			if round < lanStartQueries {
				l.query(s)
			}
			l.announce(s, lanRecordTTL)
			round++
			announce.Reset(announceDelay(round))
		case p := <-l.packets:
			l.receive(s, p)
		}
	}
}

// announceDelay returns how long to wait after the nth announcement.
func announceDelay(n int) time.Duration {
	if n < lanStartQueries {
		return time.Duration(n) * time.Second
	}
	return lanAnnounce - mathrand.N(lanAnnounce/3)
}

// read hands messages on; when too many wait they are dropped.
func (l *lan) read(conn *net.UDPConn) {
	buf := make([]byte, maxMDNSPacket)
	for {
		n, from, err := conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		if from.Port() != mdnsPort { // RFC 6762, section 11
			continue
		}
		select {
		case l.packets <- lanPacket{slices.Clone(buf[:n]), from.Addr()}:
		default:
		}
	}
}

// receive answers a query and notes who announces itself.
func (l *lan) receive(s *lanSession, p lanPacket) {
	if pathOf(p.from, s.nets) != PathLAN {
		return // the port can be reached from afar too
	}
	m, err := parseLAN(p.data)
	if err != nil {
		l.host.log.Debug("malformed multicast message", "from", p.from, "err", err)
		return
	}
	now := time.Now()
	if m.query && now.Sub(l.answered) >= lanAnswerGap {
		l.answered = now
		l.announce(s, lanRecordTTL)
	}
	for _, peer := range m.peers {
		l.heard(peer, s.nets, now)
	}
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
		return !ok || !a.CanDial() || pathOf(ip, nets) != PathLAN
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

// query asks on all networks who is there.
func (l *lan) query(s *lanSession) {
	b, err := lanQuery()
	if err != nil {
		l.host.log.Warn("cannot ask the local network", "err", err)
		return
	}
	for _, ifi := range s.ifis {
		l.send(s, ifi, b)
	}
}

// announce tells each network the addresses that we have on it; ttl 0 is goodbye.
func (l *lan) announce(s *lanSession, ttl uint32) {
	if ttl > 0 { // goodbye comes when the sockets may be closed already
		s.own = l.host.Addrs()
	}
	for _, ifi := range s.ifis {
		ips := interfaceIPs(ifi)
		here := slices.DeleteFunc(slices.Clone(s.own), func(a Addr) bool {
			ip, ok := a.IP()
			return !ok || !slices.Contains(ips, ip)
		})
		if len(here) == 0 {
			continue
		}
		b, err := lanAnswer(l.instance, lanPeer{key: l.host.key, addrs: here}, ttl)
		if err != nil {
			l.host.log.Warn("cannot announce to the local network", "err", err)
			return
		}
		l.send(s, ifi, b)
	}
}

// send sends b to one network, over each IP version that works there.
func (l *lan) send(s *lanSession, ifi net.Interface, b []byte) {
	for _, socket := range s.sockets {
		if err := socket.send(b, ifi); err != nil {
			l.host.log.Debug("multicast not sent", "interface", ifi.Name, "err", err)
		}
	}
}
