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
	for range 10 * sealedBurst {
		d.heardSealed(mdns.Node{Sealed: []byte{sealedVersion}}, nets, time.Now())
	}
	before := len(told)
	hear([32]byte{3}, "/ip4/192.168.1.3/udp/7/quic-v1")
	if len(told) != before {
		t.Error("a flood of sealed announcements is not bounded")
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
