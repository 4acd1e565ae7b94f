package mdns

import (
	"context"
	"crypto/rand"
	"log/slog"
	mathrand "math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

// Life is how long an announcement holds.
const Life = 3 * time.Minute

const (
	recordTTL     = uint32(Life / time.Second)
	announceEvery = time.Minute     // with jitter
	answerGap     = time.Second / 4 // between answers to queries
	startQueries  = 3               // at 0 s, 1 s and 3 s
	lookEvery     = 5 * time.Second // at the machine's networks
)

// Addr is an address of this node: where it is, and as others shall read it.
type Addr struct {
	IP   netip.Addr
	Text string
}

// Config says what a Discovery announces and whom it tells. All fields but Seal are
// required. Heard and the rest are called by the goroutine of Run.
type Config struct {
	// Addrs returns the present addresses of this node. Each network is told those
	// that are on it.
	Addrs func() []Addr
	// Seal makes of addresses what only those can read who may know them, at most
	// MaxSealed bytes. If it is nil, they are announced for all to read.
	Seal func([]Addr) ([]byte, error)
	// Networks returns the subnets that this machine is in. They are read anew each
	// time because machines move.
	Networks func() []netip.Prefix
	// Near reports whether ip is on one of the networks. What comes from elsewhere
	// is not read: the port can be reached from afar too.
	Near func(ip netip.Addr, networks []netip.Prefix) bool
	// Heard gets each node that announces itself or says goodbye, ourselves too.
	Heard func(n Node, networks []netip.Prefix)
	// Log gets what goes wrong.
	Log *slog.Logger
}

// Discovery finds nodes on the local network and lets this one be found: who
// comes up asks, all answer, and each announces itself every minute. A message
// holds the addresses of one network and no name.
type Discovery struct {
	cfg      Config
	instance string // random: names nothing
	packets  chan packet
	answered time.Time
	answers  *time.Timer // fires when an answer is due
	warned   bool
}

// packet is one message and who sent it.
type packet struct {
	data []byte
	from netip.Addr
}

// session is one set of sockets; it ends when the machine's networks change.
type session struct {
	sockets []*socket
	ifis    []net.Interface
	nets    []netip.Prefix
	own     []Addr // as last announced
	readers sync.WaitGroup
}

// New returns a Discovery for Run.
func New(cfg Config) *Discovery {
	return &Discovery{cfg: cfg, instance: strings.ToLower(rand.Text()), packets: make(chan packet, 64)}
}

// Run listens and announces until ctx ends, and then says goodbye. When no
// network takes part it warns once and looks again later.
func (d *Discovery) Run(ctx context.Context) {
	for ctx.Err() == nil {
		if s := d.open(); s != nil {
			d.session(ctx, s)
			s.close()
			continue
		}
		select {
		case <-ctx.Done():
		case <-time.After(lookEvery):
		}
	}
}

// open opens the sockets; nil if there are none to be had now.
func (d *Discovery) open() *session {
	s := &session{ifis: interfaces(), nets: d.cfg.Networks()}
	for _, v6 := range []bool{false, true} {
		socket, err := openSocket(v6, s.ifis)
		if err != nil {
			d.cfg.Log.Debug("no multicast", "ipv6", v6, "err", err)
			continue
		}
		s.sockets = append(s.sockets, socket)
		s.readers.Add(1)
		go func() {
			defer s.readers.Done()
			d.read(socket.conn)
		}()
	}
	if len(s.sockets) > 0 {
		return s
	}
	if !d.warned {
		d.warned = true
		d.cfg.Log.Warn("nothing is found on the local network: no interface takes multicast")
	}
	return nil
}

// close ends the session.
func (s *session) close() {
	for _, socket := range s.sockets {
		socket.conn.Close()
	}
	s.readers.Wait()
}

// session serves one set of sockets until networks change or ctx ends.
func (d *Discovery) session(ctx context.Context, s *session) {
	check := time.NewTicker(lookEvery)
	defer check.Stop()
	announce := time.NewTimer(0)
	defer announce.Stop()
	d.answers = time.NewTimer(0)
	d.answers.Stop()
	defer d.answers.Stop()
	for round := 0; ; {
		select {
		case <-ctx.Done():
			d.announce(s, 0)
			return
		case <-check.C:
			if !slices.Equal(d.cfg.Networks(), s.nets) || !slices.EqualFunc(interfaces(), s.ifis, sameInterface) {
				return
			}
		case <-announce.C:
			if round < startQueries {
				d.query(s)
			}
			d.announce(s, recordTTL)
			round++
			announce.Reset(announceDelay(round))
		case <-d.answers.C:
			d.answered = time.Now()
			d.announce(s, recordTTL)
		case p := <-d.packets:
			d.receive(s, p)
		}
	}
}

// sameInterface reports whether a is b still: one that was removed and is back has left the
// multicast group.
func sameInterface(a, b net.Interface) bool { return a.Index == b.Index }

// announceDelay returns how long to wait after the nth announcement.
func announceDelay(n int) time.Duration {
	if n < startQueries {
		return time.Duration(n) * time.Second
	}
	return announceEvery - mathrand.N(announceEvery/3)
}

// read hands messages on; when too many wait they are dropped.
func (d *Discovery) read(conn *net.UDPConn) {
	buf := make([]byte, MaxPacket)
	for {
		n, from, err := conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		if from.Port() != port { // RFC 6762, section 11
			continue
		}
		select {
		case d.packets <- packet{slices.Clone(buf[:n]), from.Addr()}:
		default:
		}
	}
}

// receive answers a query and tells who announces itself.
func (d *Discovery) receive(s *session, p packet) {
	if !d.cfg.Near(p.from, s.nets) {
		return
	}
	m, err := Parse(p.data)
	if err != nil {
		d.cfg.Log.Debug("malformed multicast message", "from", p.from, "err", err)
		return
	}
	if m.Query { // those who ask within a gap get one answer at its end
		d.answers.Reset(max(0, answerGap-time.Since(d.answered)))
	}
	for _, node := range m.Nodes {
		node.From = p.from.Unmap().WithZone("")
		d.cfg.Heard(node, s.nets)
	}
}

// query asks on all networks who is there.
func (d *Discovery) query(s *session) {
	b, err := Query()
	if err != nil {
		d.cfg.Log.Warn("cannot ask the local network", "err", err)
		return
	}
	for _, ifi := range s.ifis {
		d.send(s, ifi, b)
	}
}

// announce tells each network the addresses that we have on it; ttl 0 is goodbye.
func (d *Discovery) announce(s *session, ttl uint32) {
	if ttl > 0 { // goodbye comes when the sockets may be closed already
		s.own = d.cfg.Addrs()
	}
	for _, ifi := range s.ifis {
		ips := interfaceIPs(ifi)
		here := slices.DeleteFunc(slices.Clone(s.own), func(a Addr) bool {
			return !slices.Contains(ips, a.IP)
		})
		if len(here) == 0 {
			continue
		}
		b, err := d.answer(here, ttl)
		if err != nil {
			d.cfg.Log.Warn("cannot announce to the local network", "err", err)
			return
		}
		d.send(s, ifi, b)
	}
}

// answer is the announcement of addresses.
func (d *Discovery) answer(here []Addr, ttl uint32) ([]byte, error) {
	if d.cfg.Seal == nil {
		return Answer(d.instance, texts(here), ttl)
	}
	sealed, err := d.cfg.Seal(here)
	if err != nil {
		return nil, err
	}
	return AnswerSealed(d.instance, sealed, ttl)
}

// send sends b to one network, over each IP version that works there.
func (d *Discovery) send(s *session, ifi net.Interface, b []byte) {
	for _, socket := range s.sockets {
		if err := socket.send(b, ifi); err != nil {
			d.cfg.Log.Debug("multicast not sent", "interface", ifi.Name, "err", err)
		}
	}
}

// texts returns addresses as others shall read them.
func texts(addrs []Addr) []string {
	out := make([]string, 0, len(addrs))
	for _, a := range addrs {
		out = append(out, a.Text)
	}
	return out
}
