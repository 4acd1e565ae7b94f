package outside

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/protocol/autonatv2"
	ma "github.com/multiformats/go-multiaddr"
)

// TestAsksTheTrusted: who connects and offers to dial back is asked only if its word counts.
func TestAsksTheTrusted(t *testing.T) {
	for name, trusted := range map[string]bool{"a home": true, "a stranger": false} {
		t.Run(name, func(t *testing.T) {
			us, other := newHost(t), newHost(t)
			var asked atomic.Bool
			other.SetStreamHandler(autonatv2.DialProtocol, func(s network.Stream) {
				asked.Store(true)
				_ = s.Reset()
			})
			w, err := New(Config{Host: us, Trusted: func(peer.ID) bool { return trusted }, Log: slog.New(slog.DiscardHandler)})
			if err != nil {
				t.Fatal(err)
			}
			defer w.nat.Close()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if err := us.Connect(ctx, peer.AddrInfo{ID: other.ID(), Addrs: other.Addrs()}); err != nil {
				t.Fatal(err)
			}
			for err = autonatv2.ErrNoPeers; errors.Is(err, autonatv2.ErrNoPeers) && ctx.Err() == nil; time.Sleep(10 * time.Millisecond) {
				_, err = w.nat.GetReachability(ctx, []autonatv2.Request{{Addr: ma.StringCast("/ip4/1.2.3.4/udp/1/quic-v1")}})
			}
			if errors.Is(err, errNotTrusted) == trusted || asked.Load() != trusted {
				t.Errorf("asked: %v, %v, want %v", asked.Load(), err, trusted)
			}
		})
	}
}

func newHost(t *testing.T) host.Host {
	t.Helper()
	h, err := libp2p.New(libp2p.ListenAddrStrings("/ip4/127.0.0.1/udp/0/quic-v1"), libp2p.DisableRelay(), libp2p.DisableMetrics())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	return h
}
