package transport_test

import (
	"context"
	"io"
	"sync/atomic"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	libp2pquic "github.com/libp2p/go-libp2p/p2p/transport/quic"
	"github.com/multiformats/go-multiaddr"

	"quicnprotochat/transport"
	"quicnprotochat/transport/transporttest"
)

// handshake opens the NodeService protocol on a stream (multistream-select).
const handshake = "\x13/multistream/1.0.0\n\x17" + transport.Protocol + "\n"

// attacker returns a libp2p host without limits of its own, connected to h.
func attacker(t *testing.T, net *transporttest.Network, h *transport.Host) (host.Host, network.Conn) {
	t.Helper()
	a, err := libp2p.New(libp2p.ListenAddrStrings("/ip4/1.0.0.66/udp/7000/quic-v1"), libp2p.Transport(libp2pquic.NewTransport),
		libp2p.ResourceManager(&network.NullResourceManager{}), libp2p.DisableMetrics(), libp2p.DisableRelay(),
		libp2p.DisableIdentifyAddressDiscovery(), net.Option())
	if err != nil {
		t.Fatal(err)
	}
	id, err := peer.Decode(h.Key().String())
	if err != nil {
		t.Fatal(err)
	}
	addr, err := multiaddr.NewMultiaddr(string(h.Addrs()[0]))
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Connect(t.Context(), peer.AddrInfo{ID: id, Addrs: []multiaddr.Multiaddr{addr}}); err != nil {
		t.Fatal(err)
	}
	return a, a.Network().ConnsToPeer(id)[0]
}

func TestStreamFlood(t *testing.T) {
	const most = 16 // of one peer at a time
	for _, tt := range []struct {
		name, first string
		streams     int
	}{
		{"served", handshake, 1000}, {"garbage", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 1000}, {"empty", "", 10_000},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, net *transporttest.Network) {
				var now, peak atomic.Int64
				b := simHost(t, net, 2, transport.Config{OnStream: func(s *transport.Stream) {
					for n := now.Add(1); ; {
						if old := peak.Load(); n <= old || peak.CompareAndSwap(old, n) {
							break
						}
					}
					defer now.Add(-1)
					io.Copy(io.Discard, s)
				}})
				defer b.Close()
				evil, conn := attacker(t, net, b)
				defer evil.Close()
				held := flood(t, conn, tt.first, tt.streams)
				if tt.name == "served" && peak.Load() != most || peak.Load() > most {
					t.Errorf("%d streams were served at once, want at most %d", peak.Load(), most)
				}
				// Others are served meanwhile.
				c := simHost(t, net, 3, transport.Config{})
				defer c.Close()
				b.Learn(c.Key(), transport.SourceLink, c.Addrs())
				c.Learn(b.Key(), transport.SourceLink, b.Addrs())
				s, err := c.Open(t.Context(), b.Key())
				if err != nil {
					t.Fatal(err)
				}
				if _, err := s.Write([]byte("x")); err != nil {
					t.Fatal(err)
				}
				for _, s := range held {
					s.Reset()
				}
				time.Sleep(time.Minute)
				if got := now.Load(); got != 1 {
					t.Errorf("%d streams are served at the end, want 1", got)
				}
			})
		})
	}
}

// flood opens n streams as fast as it can, begins each with first, and returns
// those that it still holds.
func flood(t *testing.T, conn network.Conn, first string, n int) (held []network.Stream) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for range n {
		s, err := conn.NewStream(ctx)
		if err != nil {
			t.Fatalf("after %d streams: %v", len(held), err)
		}
		if _, err := s.Write([]byte(first)); err != nil {
			s.Reset()
			continue
		}
		held = append(held, s)
		if len(held) > 100 {
			held[0].Reset()
			held = held[1:]
		}
	}
	return held
}
