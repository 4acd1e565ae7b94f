package transport

import (
	"crypto/ed25519"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
	"golang.org/x/net/ipv4"

	"quicnprotochat/transport/mdns"
)

// parseLAN reads a message and the nodes in it.
func parseLAN(b []byte) (query bool, peers []lanPeer, err error) {
	m, err := mdns.Parse(b)
	for _, n := range m.Nodes {
		if p, ok := lanPeerOf(n); ok {
			peers = append(peers, p)
		}
	}
	return m.Query, peers, err
}

// announcement returns the message of a node.
func announcement(t testing.TB, k Key, addrs []Addr, ttl uint32) []byte {
	var texts []string
	for _, a := range addrs {
		texts = append(texts, a.WithKey(k))
	}
	b, err := mdns.Answer("x", texts, ttl)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestLANMessages(t *testing.T) {
	var addrs []Addr
	for i := range 12 {
		addrs = append(addrs, Addr(fmt.Sprintf("/ip6/fd00:aaaa:bbbb:cccc:dddd:eeee:ffff:%d/udp/50000/quic-v1", i)))
	}
	for _, ttl := range []uint32{180, 0} {
		b := announcement(t, keyFor(1), addrs, ttl)
		if len(b) > 1400 {
			t.Errorf("an answer has %d bytes, want one packet", len(b))
		}
		query, peers, err := parseLAN(b)
		if err != nil || query || len(peers) != 1 {
			t.Fatalf("answer: got %+v, %v", peers, err)
		}
		if p := peers[0]; p.key != keyFor(1) || !slices.Equal(p.addrs, addrs[:mdns.MaxAddrs]) || p.gone != (ttl == 0) {
			t.Errorf("answer: got %+v", p)
		}
	}
}

// lanTXT returns a response with one TXT record.
func lanTXT(t testing.TB, name string, texts ...string) []byte {
	b := dnsmessage.NewBuilder(nil, dnsmessage.Header{Response: true})
	if err := b.StartAnswers(); err != nil {
		t.Fatal(err)
	}
	h := dnsmessage.ResourceHeader{Name: dnsmessage.MustNewName(name), Class: dnsmessage.ClassINET, TTL: 9}
	if err := b.TXTResource(h, dnsmessage.TXTResource{TXT: texts}); err != nil {
		t.Fatal(err)
	}
	out, err := b.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestParseLANIgnoresWhatIsNotOurs(t *testing.T) {
	good := "dnsaddr=/ip4/192.168.1.2/udp/7/quic-v1/p2p/" + keyFor(1).String()
	other := "dnsaddr=/ip4/192.168.1.3/udp/7/quic-v1/p2p/" + keyFor(2).String()
	for _, tt := range []struct {
		name string
		in   []byte
		want int // addresses of the one peer; 0 is no peer
	}{
		{"ours", lanTXT(t, "x._qpc._udp.local.", good), 1},
		{"upper case", lanTXT(t, "X._QPC._UDP.local.", good), 1},
		{"another service", lanTXT(t, "x._p2p._udp.local.", good), 0},
		{"two keys in one record", lanTXT(t, "x._qpc._udp.local.", good, other), 1},
		{"rubbish beside", lanTXT(t, "x._qpc._udp.local.", "a", "dnsaddr=", "dnsaddr=/p2p/", strings.Replace(good, "192", "x", 1), good), 1},
		{"a name", lanTXT(t, "x._qpc._udp.local.", "name=Alice"), 0},
		{"circuit", lanTXT(t, "x._qpc._udp.local.", strings.Replace(good, "/p2p/", "/p2p-circuit/p2p/", 1)), 0},
	} {
		_, peers, err := parseLAN(tt.in)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if got := len(peers); got != min(tt.want, 1) || got == 1 && (len(peers[0].addrs) != tt.want || peers[0].key != keyFor(1)) {
			t.Errorf("%s: got %+v", tt.name, peers)
		}
	}
}

func FuzzParseLAN(f *testing.F) {
	f.Add(announcement(f, keyFor(1), []Addr{"/ip4/10.0.0.1/udp/7/quic-v1"}, 1))
	f.Fuzz(func(t *testing.T, b []byte) {
		_, peers, err := parseLAN(b)
		if err != nil {
			return
		}
		for _, p := range peers {
			if p.key.Check() != nil || len(p.addrs) == 0 || len(p.addrs) > mdns.MaxAddrs {
				t.Errorf("got %+v", p)
			}
		}
	})
}

func TestHeardIsBoundedAndChecked(t *testing.T) {
	var told []Key
	h := newTestHost(t, 1, Config{OnLAN: func(k Key) { told = append(told, k) }})
	l := newLAN(h)
	nets := []netip.Prefix{netip.MustParsePrefix("192.168.1.9/24")}
	near, now := Addr("/ip4/192.168.1.2/udp/7/quic-v1"), time.Now()
	k := keyFor(2)
	hear := func(k Key, at time.Time, addrs ...Addr) { l.heard(lanPeer{key: k, addrs: addrs}, nets, at) }

	hear(h.Key(), now, near)
	hear(k, now, "/ip4/8.8.8.8/udp/7/quic-v1", "/ip4/127.0.0.1/udp/7/quic-v1", "/ip4/192.168.2.1/udp/7/quic-v1", "/dns/x/udp/7/quic-v1")
	if len(told) != 0 || len(l.keys(now)) != 0 {
		t.Fatalf("got %v, want nothing", told)
	}
	hear(k, now, near, "/ip4/8.8.8.8/udp/7/quic-v1")
	hear(k, now.Add(time.Second), near)
	if !slices.Equal(told, []Key{k}) || !slices.Equal(l.keys(now), []Key{k}) {
		t.Errorf("got %v and %v, want one call", told, l.keys(now))
	}
	if got, _ := h.book.candidates(k, time.Now()); !slices.Equal(got, []Addr{near}) {
		t.Errorf("learnt %v, want %v", got, near)
	}
	if got, _ := h.book.candidates(k, time.Now().Add(lanLife+time.Second)); len(got) != 0 {
		t.Errorf("later: still known %v", got)
	}
	hear(k, now.Add(time.Minute), near)
	if len(told) != 2 {
		t.Errorf("heard again after a minute: got %d calls, want 2", len(told))
	}
	if got := l.keys(now.Add(time.Hour)); len(got) != 0 {
		t.Errorf("an hour later: got %v", got)
	}
	l.heard(lanPeer{key: k, gone: true}, nets, now.Add(time.Minute))
	if got := l.keys(now.Add(time.Minute)); len(got) != 0 {
		t.Errorf("after goodbye: got %v", got)
	}
	for i := range 3 * maxLANPeers {
		hear(Key{byte(i), byte(i >> 8), 1}, now, near)
	}
	if got := len(l.peers); got > maxLANPeers {
		t.Errorf("%d peers are kept, want at most %d", got, maxLANPeers)
	}
}

func TestLANWithoutMulticastIsNoError(t *testing.T) {
	h := newTestHost(t, 1, Config{LAN: true}) // on loopback alone: nothing to announce
	if got := h.LAN(); len(got) != 0 {
		t.Errorf("got %v", got)
	}
}

// TestDiscovery needs a network interface with multicast, as most machines have.
// Nodes of others may be about.
func TestDiscovery(t *testing.T) {
	if !canMulticast(t) {
		t.Skip("no multicast on this machine")
	}
	keys := make([]ed25519.PrivateKey, 2)
	for i := range keys {
		_, key, err := ed25519.GenerateKey(nil)
		if err != nil {
			t.Fatal(err)
		}
		keys[i] = key
	}
	want := KeyOf(keys[1].Public().(ed25519.PublicKey))
	found := make(chan struct{})
	listen := []Addr{"/ip4/0.0.0.0/udp/0/quic-v1"}
	a := newTestHost(t, 0, Config{PrivateKey: keys[0], Listen: listen, LAN: true, OnLAN: func(k Key) {
		if k == want {
			select {
			case found <- struct{}{}:
			case <-t.Context().Done():
			}
		}
	}})
	newTestHost(t, 0, Config{PrivateKey: keys[1], Listen: listen, LAN: true, OnStream: echo})
	<-found
	if got := a.LAN(); !slices.Contains(got, want) {
		t.Errorf("LAN: got %v, want %v in it", got, want)
	}
	s := roundTrip(t, t.Context(), a, want)
	defer s.Close()
	if s.Path() != PathLAN {
		t.Errorf("got path %v over %v, want %v", s.Path(), s.Remote(), PathLAN)
	}
}

// canMulticast reports whether a multicast packet that this machine sends comes
// back to it.
func canMulticast(t *testing.T) bool {
	conn, err := net.ListenMulticastUDP("udp4", nil, &net.UDPAddr{IP: net.IPv4(224, 0, 0, 251), Port: 5353})
	if err != nil {
		t.Logf("multicast: %v", err)
		return false
	}
	defer conn.Close()
	q, err := mdns.Query()
	if err != nil {
		t.Fatal(err)
	}
	if err := ipv4.NewPacketConn(conn).SetMulticastLoopback(true); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.WriteTo(q, &net.UDPAddr{IP: net.IPv4(224, 0, 0, 251), Port: 5353}); err != nil {
		t.Logf("multicast: %v", err)
		return false
	}
	if err := conn.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	_, _, err = conn.ReadFromUDPAddrPort(make([]byte, mdns.MaxPacket))
	return err == nil
}
