package lan

import (
	"crypto/ed25519"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"quicnprotochat/transport/address"
	"quicnprotochat/transport/mdns"
)

// keyFor returns a key that is the same for the same n.
func keyFor(n byte) address.Key {
	seed := [ed25519.SeedSize]byte{n}
	return address.KeyOf(ed25519.NewKeyFromSeed(seed[:]).Public().(ed25519.PublicKey))
}

// parseLAN reads a message and the nodes in it.
func parseLAN(b []byte) (query bool, peers []peer, err error) {
	m, err := mdns.Parse(b)
	for _, n := range m.Nodes {
		if p, ok := peerOf(n); ok {
			peers = append(peers, p)
		}
	}
	return m.Query, peers, err
}

// announcement returns the message of a node.
func announcement(t testing.TB, k address.Key, addrs []address.Addr, ttl uint32) []byte {
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
	var addrs []address.Addr
	for i := range 12 {
		addrs = append(addrs, address.Addr(fmt.Sprintf("/ip6/fd00:aaaa:bbbb:cccc:dddd:eeee:ffff:%d/udp/50000/quic-v1", i)))
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
	f.Add(announcement(f, keyFor(1), []address.Addr{"/ip4/10.0.0.1/udp/7/quic-v1"}, 1))
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
	var told []address.Key
	var learnt []address.Addr
	d := New(Config{
		Self:  keyFor(1),
		Found: func(k address.Key, addrs []address.Addr) { told, learnt = append(told, k), addrs },
		Log:   slog.New(slog.DiscardHandler),
	})
	nets := []netip.Prefix{netip.MustParsePrefix("192.168.1.9/24")}
	near, now := address.Addr("/ip4/192.168.1.2/udp/7/quic-v1"), time.Now()
	k := keyFor(2)
	hear := func(k address.Key, at time.Time, addrs ...address.Addr) {
		d.heard(peer{key: k, addrs: addrs}, nets, at)
	}

	hear(keyFor(1), now, near)
	hear(k, now, "/ip4/8.8.8.8/udp/7/quic-v1", "/ip4/127.0.0.1/udp/7/quic-v1", "/ip4/192.168.2.1/udp/7/quic-v1", "/dns/x/udp/7/quic-v1")
	if len(told) != 0 || len(d.Keys(now)) != 0 {
		t.Fatalf("got %v, want nothing", told)
	}
	hear(k, now, near, "/ip4/8.8.8.8/udp/7/quic-v1")
	hear(k, now.Add(time.Second), near)
	if !slices.Equal(told, []address.Key{k}) || !slices.Equal(d.Keys(now), []address.Key{k}) {
		t.Errorf("got %v and %v, want one call", told, d.Keys(now))
	}
	if !slices.Equal(learnt, []address.Addr{near}) {
		t.Errorf("learnt %v, want %v", learnt, near)
	}
	hear(k, now.Add(time.Minute), near)
	if len(told) != 2 {
		t.Errorf("heard again after a minute: got %d calls, want 2", len(told))
	}
	if got := d.Keys(now.Add(time.Hour)); len(got) != 0 {
		t.Errorf("an hour later: got %v", got)
	}
	home := netip.MustParseAddr("192.168.1.2")
	d.heard(peer{key: k, addrs: []address.Addr{near}, from: home}, nets, now.Add(time.Minute))
	d.heard(peer{key: k, gone: true, from: netip.MustParseAddr("192.168.1.3")}, nets, now.Add(time.Minute))
	if got := d.Keys(now.Add(time.Minute)); len(got) != 1 {
		t.Errorf("after a goodbye of another machine: got %v", got)
	}
	d.heard(peer{key: k, gone: true, from: home}, nets, now.Add(time.Minute))
	if got := d.Keys(now.Add(time.Minute)); len(got) != 0 {
		t.Errorf("after goodbye: got %v", got)
	}
	told = nil
	for i := range 3 * maxPeers {
		hear(address.Key{byte(i), byte(i >> 8), 1}, now.Add(2*time.Minute), near)
	}
	if got := len(d.peers); got != maxHere || len(told) != maxHere {
		t.Errorf("%d peers of one address are kept and %d were told of, want %d", got, len(told), maxHere)
	}
	for i := range 3 * maxPeers {
		from := netip.AddrFrom4([4]byte{192, 168, byte(i >> 8), byte(i)})
		d.heard(peer{key: address.Key{byte(i), byte(i >> 8), 2}, addrs: []address.Addr{near}, from: from}, nets, now.Add(2*time.Minute))
	}
	if got := len(d.peers); got != maxPeers {
		t.Errorf("%d peers are kept, want %d", got, maxPeers)
	}
	told = nil
	for i := range 10 {
		at := now.Add(2*time.Minute + 30*time.Second + time.Duration(i)*time.Second)
		other := address.Addr(fmt.Sprintf("/ip4/192.168.1.2/udp/%d/quic-v1", 7+i))
		d.heard(peer{key: k, addrs: []address.Addr{other}, from: home}, nets, at)
		d.heard(peer{key: k, addrs: []address.Addr{near}, from: home}, nets, at.Add(time.Millisecond))
	}
	if !slices.Contains(d.Keys(now.Add(3*time.Minute)), k) {
		t.Error("who invents many keeps a real one out")
	}
	if len(told) > 10 {
		t.Errorf("addresses that change all the time: %d calls in 10 s", len(told))
	}
}
