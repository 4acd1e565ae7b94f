package integration

import (
	"context"
	"crypto/tls"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quic-go/quic-go"

	"quicnprotochat/transport"
	"quicnprotochat/transport/plain"
)

const (
	// abandonedCrowd is how many connections one attack of TestAbandoned begins.
	abandonedCrowd = 4000
	// abandonedMemory is by how much a relay may grow meanwhile, where each that it keeps
	// takes 60 KiB or more; measured are 60 MiB.
	abandonedMemory = 128 << 20
	// atOnce is how many come at once afterwards.
	atOnce = 1000
)

// TestAbandoned makes connections to a relay, whole and half ones, and is gone from each
// without a word, faster than the relay can give them up: it does not keep them all, says
// so, and a node and a crowd that mean it get in. Loopback has no share of its own, so that only the
// bounds of all hold here.
func TestAbandoned(t *testing.T) {
	if testing.Short() {
		t.Skip("runs a real process")
	}
	relay := relayProcess(t)
	u, err := transport.ParseRelayURL(relay.line().URL)
	if err != nil {
		t.Fatal(err)
	}
	before := memoryOf(t, relay)
	var peak int64
	for _, attack := range []struct {
		name, protocol string
		sends          int32 // packets before it is gone; 0 for those of a whole handshake
		waits          time.Duration
	}{
		{"whole", plain.ALPN, 0, patience},
		{"half", plain.ALPN, 2, 20 * time.Millisecond},
		{"half, from an address that was proved", "libp2p", 4, 20 * time.Millisecond},
	} {
		abandon(t, u, attack.protocol, attack.sends, attack.waits)
		now, began := memoryOf(t, relay), time.Now()
		if _, err := newOutsider(t, transport.Config{}).client(relay).Health(t.Context()); err != nil {
			t.Errorf("%s: a node gets no answer: %v", attack.name, err)
		}
		t.Logf("%s: the relay takes %d MiB more, and a node had an answer after %v", attack.name, (now-before)>>20, time.Since(began).Round(time.Millisecond))
		peak = max(peak, now)
	}
	if peak-before > abandonedMemory {
		t.Errorf("the relay grew from %d to %d MiB", before>>20, peak>>20)
	}
	began := time.Now()
	callAtOnce(t, u)
	t.Logf("%d were in after %v, and it takes %d MiB more", atOnce, time.Since(began).Round(time.Millisecond), (memoryOf(t, relay)-before)>>20)
	if !strings.Contains(relay.log(t), "that said nothing") {
		t.Error("the log does not say what happened")
	}
}

// abandon begins connections and is gone after so many packets of each.
func abandon(t *testing.T, u transport.RelayURL, protocol string, sends int32, waits time.Duration) {
	t.Helper()
	to := &net.UDPAddr{IP: net.ParseIP(u.Host), Port: int(u.Port)}
	var wg sync.WaitGroup
	var left atomic.Int32
	left.Store(abandonedCrowd)
	for range 32 {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				socket, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
				if err != nil {
					t.Error(err)
					return
				}
				var conn net.PacketConn = socket
				if sends > 0 {
					few := &first{PacketConn: socket}
					few.left.Store(sends)
					conn = few
				}
				ctx, cancel := context.WithTimeout(t.Context(), waits)
				tr := &quic.Transport{Conn: conn}
				// Whether it comes about is all the same.
				_, _ = tr.Dial(ctx, to, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{protocol}}, nil)
				socket.Close()
				cancel()
				tr.Close()
			}
		})
	}
	wg.Wait()
}

// callAtOnce calls a relay from many addresses at once, each of which gets an answer.
func callAtOnce(t *testing.T, u transport.RelayURL) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	begin := bootstrapMessage(t)
	var wg sync.WaitGroup
	var again atomic.Int64
	for range atOnce {
		wg.Go(func() {
			for ; ; again.Add(1) {
				s, err := transport.DialPlain(ctx, plain.Dialer{}, u)
				if err == nil {
					_ = begin.send(s, 0)
					_, err = s.Read(make([]byte, 8))
					s.Close()
				}
				if err == nil {
					return
				}
				select {
				case <-ctx.Done():
					t.Errorf("no answer: %v", err)
					return
				case <-time.After(pollPause):
				}
			}
		})
	}
	wg.Wait()
	t.Logf("%d calls had to be made again", again.Load())
}
