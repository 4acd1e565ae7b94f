package transport

import (
	"crypto/ed25519"
	"net"
	"slices"
	"testing"
	"time"

	"golang.org/x/net/ipv4"

	"quicnprotochat/transport/mdns"
)

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
