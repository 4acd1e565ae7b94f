package transport

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

const (
	// lanService is the DNS-SD service of nodes (RFC 6763, section 7).
	lanService = "_qpc._udp.local."
	// lanText begins the TXT strings that hold an address with the key at its end.
	lanText = "dnsaddr="

	mdnsPort       = 5353
	mdnsTTL        = 255 // RFC 6762, section 11
	maxMDNSPacket  = 9000
	maxMDNSRecords = 64
	maxLANAddrs    = 8 // of one peer
)

var (
	mdnsGroup4 = net.UDPAddr{IP: net.IPv4(224, 0, 0, 251), Port: mdnsPort}
	mdnsGroup6 = net.UDPAddr{IP: net.ParseIP("ff02::fb"), Port: mdnsPort}
)

// lanMessage is what a multicast DNS message says of nodes.
type lanMessage struct {
	query bool // asks who is there
	peers []lanPeer
}

// lanPeer is a node that announces itself, or says goodbye.
type lanPeer struct {
	key   Key
	addrs []Addr
	gone  bool
}

// lanQuery returns the question who is there.
func lanQuery() ([]byte, error) {
	b := dnsmessage.NewBuilder(nil, dnsmessage.Header{})
	name, err := dnsmessage.NewName(lanService)
	if err != nil {
		return nil, err
	}
	if err := b.StartQuestions(); err != nil {
		return nil, err
	}
	if err := b.Question(dnsmessage.Question{Name: name, Type: dnsmessage.TypePTR, Class: dnsmessage.ClassINET}); err != nil {
		return nil, err
	}
	return b.Finish()
}

// lanAnswer returns the announcement of a node under a random instance name, for
// ttl seconds; 0 is goodbye (RFC 6762, section 10.1).
func lanAnswer(instance string, p lanPeer, ttl uint32) ([]byte, error) {
	service, err := dnsmessage.NewName(lanService)
	if err != nil {
		return nil, err
	}
	name, err := dnsmessage.NewName(instance + "." + lanService)
	if err != nil {
		return nil, err
	}
	var texts []string
	for _, a := range p.addrs {
		if text := lanText + a.WithKey(p.key); len(text) < 256 && len(texts) < maxLANAddrs {
			texts = append(texts, text)
		}
	}
	b := dnsmessage.NewBuilder(nil, dnsmessage.Header{Response: true, Authoritative: true})
	b.EnableCompression()
	if err := b.StartAnswers(); err != nil {
		return nil, err
	}
	h := dnsmessage.ResourceHeader{Name: service, Class: dnsmessage.ClassINET, TTL: ttl}
	if err := b.PTRResource(h, dnsmessage.PTRResource{PTR: name}); err != nil {
		return nil, err
	}
	h.Name = name
	if err := b.TXTResource(h, dnsmessage.TXTResource{TXT: texts}); err != nil {
		return nil, err
	}
	return b.Finish()
}

// parseLAN reads a multicast DNS message; what is not ours in it is passed over.
func parseLAN(b []byte) (lanMessage, error) {
	if len(b) > maxMDNSPacket {
		return lanMessage{}, errors.New("message too large")
	}
	var p dnsmessage.Parser
	h, err := p.Start(b)
	if err != nil {
		return lanMessage{}, fmt.Errorf("parse message: %w", err)
	}
	var m lanMessage
	for range maxMDNSRecords {
		q, err := p.Question()
		if errors.Is(err, dnsmessage.ErrSectionDone) {
			break
		}
		if err != nil {
			return lanMessage{}, fmt.Errorf("parse question: %w", err)
		}
		m.query = m.query || !h.Response && q.Type == dnsmessage.TypePTR && strings.EqualFold(q.Name.String(), lanService)
	}
	if !h.Response {
		return m, nil
	}
	if err := p.SkipAllQuestions(); err != nil {
		return lanMessage{}, fmt.Errorf("parse questions: %w", err)
	}
	for range maxMDNSRecords {
		peer, ok, err := parseLANAnswer(&p)
		if errors.Is(err, dnsmessage.ErrSectionDone) {
			break
		}
		if err != nil {
			return lanMessage{}, err
		}
		if ok {
			m.peers = append(m.peers, peer)
		}
	}
	return m, nil
}

// parseLANAnswer reads one record; ok is false if it is none of ours.
func parseLANAnswer(p *dnsmessage.Parser) (peer lanPeer, ok bool, err error) {
	h, err := p.AnswerHeader()
	if err != nil {
		return lanPeer{}, false, err
	}
	name := strings.ToLower(h.Name.String())
	if h.Type != dnsmessage.TypeTXT || !strings.HasSuffix(name, "."+lanService) {
		return lanPeer{}, false, p.SkipAnswer()
	}
	txt, err := p.TXTResource()
	if err != nil {
		return lanPeer{}, false, fmt.Errorf("parse TXT: %w", err)
	}
	peer.gone = h.TTL == 0
	for _, text := range txt.TXT {
		rest, isAddr := strings.CutPrefix(text, lanText)
		addrText, keyText, hasKey := strings.Cut(rest, "/p2p/")
		if !isAddr || !hasKey || len(peer.addrs) >= maxLANAddrs {
			continue
		}
		addr, addrErr := ParseAddr(addrText)
		key, keyErr := ParseKey(keyText)
		if addrErr != nil || keyErr != nil || !peer.key.IsZero() && key != peer.key {
			continue
		}
		peer.key = key
		peer.addrs = append(peer.addrs, addr)
	}
	return peer, !peer.key.IsZero(), nil
}

// mdnsSocket is the multicast socket of one IP version.
type mdnsSocket struct {
	conn *net.UDPConn
	send func(b []byte, ifi net.Interface) error
}

// openMDNS joins the multicast group of one IP version on all of ifis that take
// part in it.
func openMDNS(v6 bool, ifis []net.Interface) (*mdnsSocket, error) {
	if len(ifis) == 0 {
		return nil, errors.New("no network that takes multicast")
	}
	network, group := "udp4", mdnsGroup4
	if v6 {
		network, group = "udp6", mdnsGroup6
	}
	// This sets what lets several programs share the port.
	conn, err := net.ListenMulticastUDP(network, &ifis[0], &group)
	if err != nil {
		return nil, fmt.Errorf("join multicast: %w", err)
	}
	s := &mdnsSocket{conn: conn}
	if v6 {
		err = s.setup6(ifis[1:])
	} else {
		err = s.setup4(ifis[1:])
	}
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("set up multicast: %w", err)
	}
	return s, nil
}

// setup4 joins on more interfaces, and lets nodes of the same machine hear us.
func (s *mdnsSocket) setup4(more []net.Interface) error {
	p := ipv4.NewPacketConn(s.conn)
	for _, ifi := range more {
		_ = p.JoinGroup(&ifi, &net.UDPAddr{IP: mdnsGroup4.IP}) // one deaf interface is no reason to stop
	}
	s.send = func(b []byte, ifi net.Interface) error {
		_, err := p.WriteTo(b, &ipv4.ControlMessage{IfIndex: ifi.Index}, &mdnsGroup4)
		return err
	}
	return errors.Join(p.SetMulticastTTL(mdnsTTL), p.SetMulticastLoopback(true))
}

// setup6 is setup4 for IPv6.
func (s *mdnsSocket) setup6(more []net.Interface) error {
	p := ipv6.NewPacketConn(s.conn)
	for _, ifi := range more {
		_ = p.JoinGroup(&ifi, &net.UDPAddr{IP: mdnsGroup6.IP})
	}
	s.send = func(b []byte, ifi net.Interface) error {
		_, err := p.WriteTo(b, &ipv6.ControlMessage{IfIndex: ifi.Index}, &mdnsGroup6)
		return err
	}
	return errors.Join(p.SetMulticastHopLimit(mdnsTTL), p.SetMulticastLoopback(true))
}

// mdnsInterfaces returns the interfaces to speak on: up, with multicast, not
// loopback, with an address.
func mdnsInterfaces() []net.Interface {
	all, err := net.Interfaces()
	if err != nil {
		return nil
	}
	const want = net.FlagUp | net.FlagMulticast
	var out []net.Interface
	for _, ifi := range all {
		if ifi.Flags&want == want && ifi.Flags&net.FlagLoopback == 0 && len(interfaceIPs(ifi)) > 0 {
			out = append(out, ifi)
		}
	}
	return out
}

// interfaceIPs returns the addresses of one interface.
func interfaceIPs(ifi net.Interface) []netip.Addr {
	addrs, err := ifi.Addrs()
	if err != nil {
		return nil
	}
	var out []netip.Addr
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok {
			if ip, ok := netip.AddrFromSlice(n.IP); ok {
				out = append(out, ip.Unmap())
			}
		}
	}
	return out
}
