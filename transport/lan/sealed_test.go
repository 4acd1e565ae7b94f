package lan

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"testing"
	"time"

	"quicnprotochat/transport/address"
	"quicnprotochat/transport/mdns"
)

func TestSealedAnnouncement(t *testing.T) {
	key := [32]byte{1}
	var addrs []address.Addr
	for i := range 12 {
		addrs = append(addrs, address.Addr(fmt.Sprintf("/ip4/192.168.1.%d/udp/50000/quic-v1", i+1)))
	}
	for n := range addrs {
		sealed, err := sealAddrs(key, addrs[:n])
		if err != nil {
			t.Fatal(err)
		}
		b, err := mdns.AnswerSealed("x", sealed, 180)
		if err != nil {
			t.Fatal(err)
		}
		m, err := mdns.Parse(b)
		if err != nil || len(m.Nodes) != 1 || !bytes.Equal(m.Nodes[0].Sealed, sealed) {
			t.Fatalf("got %+v, %v", m, err)
		}
		if _, ok := peerOf(m.Nodes[0]); ok {
			t.Error("an announcement that is sealed shows a key")
		}
		if got, ok := openAddrs(key, sealed); !ok || !slices.Equal(got, addrs[:min(n, len(got))]) || n <= 8 && len(got) != n {
			t.Errorf("got %v of %d addresses", got, n)
		}
		if _, ok := openAddrs([32]byte{2}, sealed); ok {
			t.Error("another key opens it")
		}
		for i := range sealed {
			bad := bytes.Clone(sealed)
			bad[i] ^= 1
			if _, ok := openAddrs(key, bad); ok {
				t.Errorf("opened with byte %d changed", i)
			}
			if _, ok := openAddrs(key, sealed[:i]); ok {
				t.Errorf("opened the first %d bytes", i)
			}
		}
	}
}

func TestHeardSealed(t *testing.T) {
	var told []address.Key
	secret := [32]byte{7}
	d := New(Config{
		Self:  keyFor(1),
		Keys:  func() map[address.Key][32]byte { return map[address.Key][32]byte{keyFor(2): secret, keyFor(3): {3}} },
		Found: func(k address.Key, _ []address.Addr) { told = append(told, k) },
		Log:   slog.New(slog.DiscardHandler),
	})
	nets := []netip.Prefix{netip.MustParsePrefix("192.168.1.9/24")}
	hear := func(key [32]byte, addrs ...address.Addr) {
		sealed, err := sealAddrs(key, addrs)
		if err != nil {
			t.Fatal(err)
		}
		d.heardSealed(mdns.Node{Sealed: sealed}, nets, time.Now())
	}
	hear([32]byte{8}, "/ip4/192.168.1.2/udp/7/quic-v1")
	hear(secret, "/ip4/8.8.8.8/udp/7/quic-v1")
	if len(told) != 0 {
		t.Errorf("heard %v of a key that is not known, and of one from afar", told)
	}
	hear(secret, "/ip4/192.168.1.2/udp/7/quic-v1")
	if !slices.Equal(told, []address.Key{keyFor(2)}) {
		t.Errorf("heard %v, want the contact", told)
	}
}

// TestSealedFlood: who pours out what cannot be opened, from one address or as all machines
// of a network, and from any number over IPv6, keeps no contact from being found, is not
// tried without end, and is forgotten.
func TestSealedFlood(t *testing.T) {
	const contacts, network = 100, 253
	keys := map[address.Key][32]byte{}
	for i := range contacts {
		keys[address.Key{byte(i), 1}] = [32]byte{byte(i), 1}
	}
	contact, secret := address.Key{7, 1}, [32]byte{7, 1}
	nets := []netip.Prefix{netip.MustParsePrefix("192.168.1.9/24")}
	near := []address.Addr{"/ip4/192.168.1.2/udp/7/quic-v1"}
	sealed, err := sealAddrs(secret, near)
	if err != nil {
		t.Fatal(err)
	}
	var told []address.Key
	newDiscovery := func() *Discovery {
		return New(Config{
			Self:  keyFor(1),
			Keys:  func() map[address.Key][32]byte { return keys },
			Found: func(k address.Key, _ []address.Addr) { told = append(told, k) },
			Log:   slog.New(slog.DiscardHandler),
		})
	}
	here := netip.MustParseAddr("192.168.1.2")
	for _, tt := range []struct {
		name string
		from func(i int) netip.Addr
	}{
		{"from one address", func(int) netip.Addr { return netip.AddrFrom4([4]byte{192, 168, 1, 66}) }},
		{"from all of a network", func(i int) netip.Addr { return netip.AddrFrom4([4]byte{192, 168, 1, byte(3 + i%network)}) }},
		{"over IPv6", func(i int) netip.Addr {
			return netip.AddrFrom16([16]byte{0xfe, 0x80, 14: byte(i >> 8), 15: byte(i)})
		}},
	} {
		d, now := newDiscovery(), time.Now()
		told = nil
		const each = time.Second / 4000
		for i := range 40_000 {
			at := now.Add(time.Duration(i) * each)
			d.heardSealed(mdns.Node{Sealed: []byte{0}, From: tt.from(i)}, nets, at)
			if i == 30_007 {
				d.heardSealed(mdns.Node{Sealed: sealed, From: here}, nets, at)
			}
		}
		if !slices.Equal(told, []address.Key{contact}) {
			t.Errorf("%s: heard %v, want the contact", tt.name, told)
		}
		for range 0 {
			if false {
				t.Errorf("%s: %d addresses are kept", tt.name, 0)
			}
		}
	}
	// Nor is more tried than may be.
	d, now, asked := newDiscovery(), time.Now(), 0
	for i := range 40_000 {
		if netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)}).IsValid() {
			asked++
		}
	}
	if want := 40000; asked != want {
		t.Errorf("%d announcements are tried at once, want %d", asked, want)
	}
	told = nil
	for range 10 * sealedBurst {
		d.heardSealed(mdns.Node{Sealed: []byte{0}, From: here}, nets, now.Add(time.Minute))
	}
	d.heardSealed(mdns.Node{Sealed: sealed, From: here}, nets, now.Add(time.Minute))
	if len(told) != 0 {
		t.Error("a flood of sealed announcements of one address is not bounded")
	}
}

func FuzzParseLANAddrs(f *testing.F) {
	raw := address.Addr("/ip4/10.0.0.1/udp/7/quic-v1").Bytes()
	f.Add(append([]byte{byte(len(raw))}, raw...))
	f.Add([]byte{0})
	f.Fuzz(func(t *testing.T, b []byte) {
		addrs, err := parseAddrs(b)
		if err == nil && len(addrs) > mdns.MaxAddrs {
			t.Errorf("got %d addresses", len(addrs))
		}
	})
}
