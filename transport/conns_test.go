package transport_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"quicnprotochat/transport"
	"quicnprotochat/transport/transporttest"
)

// openFrom lets the n-th of some hosts, which is at ip, open a stream to b. There is an
// error when b does not answer on it.
func openFrom(t *testing.T, net *transporttest.Network, ip string, n int, b *transport.Host) (*transport.Host, *transport.Stream, error) {
	t.Helper()
	at := transport.Addr(fmt.Sprintf("/ip4/%s/udp/%d/quic-v1", ip, 7000+n))
	h := simHost(t, net, byte(10+n), transport.Config{Listen: []transport.Addr{at}})
	h.Learn(b.Key(), transport.SourceUser, b.Addrs())
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	s, err := h.Open(ctx, b.Key())
	if err == nil {
		_, err = s.Write([]byte("x"))
	}
	if err == nil {
		_, err = s.Read(make([]byte, 1))
	}
	return h, s, err
}

// TestConnLimits: one connection too many is refused, those that are there go on, and
// when one ends there is room.
func TestConnLimits(t *testing.T) {
	for _, tt := range []struct {
		name string
		cfg  transport.Config
		ip   func(n int) string // of the n-th who connects
	}{
		{"in all", transport.Config{MaxConns: 3}, func(n int) string { return fmt.Sprintf("1.0.1.%d", n) }},
		{"of an address", transport.Config{MaxConnsPerAddr: 3}, func(int) string { return "1.0.1.1" }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, net *transporttest.Network) {
				tt.cfg.Server, tt.cfg.OnStream = true, echoStream
				b := simHost(t, net, 1, tt.cfg)
				defer b.Close()
				open := func(n int) (*transport.Host, *transport.Stream, error) { return openFrom(t, net, tt.ip(n), n, b) }
				var hosts []*transport.Host
				var streams []*transport.Stream
				for n := range 3 {
					h, s, err := open(n)
					if err != nil {
						t.Fatal(err)
					}
					hosts, streams = append(hosts, h), append(streams, s)
				}
				over, _, err := open(3)
				if err == nil {
					t.Error("one too many is served")
				}
				over.Close()
				for _, s := range streams {
					ask(t, s)
				}
				hosts[0].Close()
				time.Sleep(time.Minute)
				later, s, err := open(4)
				if err != nil {
					t.Fatalf("with room again: %v", err)
				}
				ask(t, s)
				for _, h := range append(hosts[1:], later) {
					h.Close()
				}
			})
		})
	}
}

// TestNewConnLimit: who connects too often from one address is refused, until some time
// has gone by, and nobody else is. With one connection a second, 16 may come at once.
func TestNewConnLimit(t *testing.T) {
	inBubble(t, func(t *testing.T, net *transporttest.Network) {
		b := simHost(t, net, 1, transport.Config{Server: true, OnStream: echoStream, NewConnsPerAddr: 1})
		defer b.Close()
		n := 0
		connect := func(ip string) error {
			h, _, err := openFrom(t, net, ip, n, b)
			n++
			h.Close()
			return err
		}
		began, taken, took := time.Now(), 0, time.Duration(0)
		for taken < 40 && connect("1.0.1.1") == nil {
			taken++
			took = time.Since(began)
		}
		// Some of the allowance comes back meanwhile.
		if back := int(took/time.Second) + 1; taken < 16 || taken > 16+back {
			t.Errorf("%d new connections in %v", taken, took)
		}
		if err := connect("1.0.1.2"); err != nil {
			t.Errorf("from another address: %v", err)
		}
		time.Sleep(time.Minute)
		if err := connect("1.0.1.1"); err != nil {
			t.Errorf("a minute later: %v", err)
		}
	})
}
