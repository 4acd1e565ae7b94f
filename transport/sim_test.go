package transport_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"quicnprotochat/transport"
	"quicnprotochat/transport/transporttest"
)

const simDelay = 20 * time.Millisecond

// simHost returns a host at 1.0.0.n of a simulated network.
func simHost(t *testing.T, net *transporttest.Network, n byte, cfg transport.Config) *transport.Host {
	t.Helper()
	cfg.PrivateKey = ed25519.NewKeyFromSeed([]byte(strings.Repeat(string([]byte{n}), ed25519.SeedSize)))
	if cfg.Listen == nil {
		cfg.Listen = []transport.Addr{transport.Addr(fmt.Sprintf("/ip4/1.0.0.%d/udp/7000/quic-v1", n))}
	}
	cfg.Options = []transport.Option{net.Option()}
	h, err := transport.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// inBubble runs f in virtual time on a network of its own.
func inBubble(t *testing.T, f func(t *testing.T, net *transporttest.Network)) {
	synctest.Test(t, func(t *testing.T) {
		net := transporttest.New(simDelay)
		defer net.Close()
		f(t, net)
	})
}

func echoStream(s *transport.Stream) { io.Copy(s, s) }

// ask sends a line over s and wants it back.
func ask(t *testing.T, s io.ReadWriter) {
	t.Helper()
	if _, err := s.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 5)
	if _, err := io.ReadFull(s, buf); err != nil || string(buf) != "hello" {
		t.Fatalf("got %q, %v", buf, err)
	}
}

func TestSimulatedHosts(t *testing.T) {
	inBubble(t, func(t *testing.T, net *transporttest.Network) {
		a, b := simHost(t, net, 1, transport.Config{}), simHost(t, net, 2, transport.Config{OnStream: echoStream})
		defer a.Close()
		defer b.Close()
		a.Learn(b.Key(), transport.SourceLink, b.Addrs())
		start := time.Now()
		s, err := a.Open(t.Context(), b.Key())
		if err != nil {
			t.Fatal(err)
		}
		if got := time.Since(start); got > 3*simDelay {
			t.Errorf("a stream to a new peer took %v, want one round trip", got)
		}
		ask(t, s)
		start = time.Now()
		second, err := a.Open(t.Context(), b.Key())
		if err != nil {
			t.Fatal(err)
		}
		if got := time.Since(start); got != 0 {
			t.Errorf("a second stream took %v, want no round trip", got)
		}
		ask(t, second)
		time.Sleep(2 * time.Hour)
		ask(t, s)
	})
}

func TestDeadPeerIsNoticed(t *testing.T) {
	inBubble(t, func(t *testing.T, net *transporttest.Network) {
		ups := make(chan bool, 10)
		down := make(chan time.Time, 10)
		a := simHost(t, net, 1, transport.Config{OnPeer: func(_ transport.Key, up bool) { ups <- up }})
		b := simHost(t, net, 2, transport.Config{OnStream: echoStream, OnPeer: func(_ transport.Key, up bool) {
			if !up {
				down <- time.Now()
			}
		}})
		defer a.Close()
		defer b.Close()
		a.Learn(b.Key(), transport.SourceLink, b.Addrs())
		s, err := a.Open(t.Context(), b.Key())
		if err != nil {
			t.Fatal(err)
		}
		ask(t, s)
		if !<-ups {
			t.Error("the first call says that the peer is gone")
		}
		net.Cut("1.0.0.1", "1.0.0.2", true)
		cut := time.Now()
		if _, err := s.Read(make([]byte, 1)); err == nil {
			t.Error("Read over a cut link: got no error")
		}
		if <-ups {
			t.Error("the second call says that the peer is there")
		}
		if got := time.Since(cut); got > time.Minute {
			t.Errorf("the dialler noticed after %v", got)
		}
		if got := (<-down).Sub(cut); got > time.Minute {
			t.Errorf("the other side noticed after %v", got)
		}
		// While it is cut, a dial fails with a reason; after, it works at once.
		_, err = a.Open(t.Context(), b.Key())
		var dial *transport.DialError
		if !errors.As(err, &dial) || len(dial.Attempts) != 1 || dial.Attempts[0].Err != "no answer" {
			t.Errorf("got %v", err)
		}
		net.Cut("1.0.0.1", "1.0.0.2", false)
		start := time.Now()
		s, err = a.Open(t.Context(), b.Key())
		if err != nil {
			t.Fatal(err)
		}
		ask(t, s)
		if got := time.Since(start); got > 5*simDelay {
			t.Errorf("coming back took %v", got)
		}
		if !<-ups {
			t.Error("the peer's return was not told")
		}
	})
}

func TestDeadAddressesKeepTheirReasons(t *testing.T) {
	inBubble(t, func(t *testing.T, net *transporttest.Network) {
		a := simHost(t, net, 1, transport.Config{})
		b := simHost(t, net, 2, transport.Config{OnStream: echoStream})
		defer a.Close()
		defer b.Close()
		dead := []transport.Addr{
			"/ip4/1.0.0.77/udp/7000/quic-v1", "/ip4/1.0.0.78/udp/7000/quic-v1", "/ip4/1.0.0.79/tcp/7000",
		}
		k := transport.KeyOf(ed25519.NewKeyFromSeed(make([]byte, 32)).Public().(ed25519.PublicKey))
		a.Learn(k, transport.SourceLink, append(dead, b.Addrs()...))
		start := time.Now()
		_, err := a.Open(t.Context(), k)
		if !errors.Is(err, transport.ErrWrongKey) {
			t.Errorf("got %v, want one wrong key among the reasons", err)
		}
		if got := time.Since(start); got > 6*time.Second {
			t.Errorf("all together took %v", got)
		}
		tried := a.Peer(k).Tried
		reasons := make(map[transport.Addr]string)
		for _, x := range tried {
			reasons[x.Addr] = x.Err
		}
		if len(tried) != 4 || reasons[dead[0]] != "no answer" || reasons[dead[1]] != "no answer" || reasons[dead[2]] == "" ||
			!strings.Contains(reasons[b.Addrs()[0]], b.Key().String()) {
			t.Errorf("got %q", reasons)
		}
		// Bounded however much is tried.
		for i := range 40 {
			a.Learn(k, transport.SourceUser, []transport.Addr{transport.Addr(fmt.Sprintf("/ip4/1.0.1.%d/udp/7000/quic-v1", i))})
			a.Open(t.Context(), k)
		}
		if got := len(a.Peer(k).Tried); got > 16 {
			t.Errorf("%d attempts are kept", got)
		}
	})
}

func TestOpenHonoursContext(t *testing.T) {
	inBubble(t, func(t *testing.T, net *transporttest.Network) {
		a := simHost(t, net, 1, transport.Config{})
		b := simHost(t, net, 2, transport.Config{OnStream: echoStream})
		defer a.Close()
		defer b.Close()
		a.Learn(b.Key(), transport.SourceLink, b.Addrs())
		net.Cut("1.0.0.1", "1.0.0.2", true)
		ctx, cancel := context.WithTimeout(t.Context(), 250*time.Millisecond)
		defer cancel()
		start := time.Now()
		if _, err := a.Open(ctx, b.Key()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want %v", err, context.DeadlineExceeded)
		}
		if got := time.Since(start); got != 250*time.Millisecond {
			t.Errorf("Open took %v", got)
		}
		if len(a.Peer(b.Key()).Tried) != 0 {
			t.Error("a reason was noted before it was known")
		}
		// The dial goes on, and its packets get through when the link is back.
		net.Cut("1.0.0.1", "1.0.0.2", false)
		time.Sleep(4 * time.Second)
		if !a.Peer(b.Key()).Connected {
			t.Error("not connected by the dial that was under way")
		}
	})
}

func TestInboundConnectionEndsWaiting(t *testing.T) {
	inBubble(t, func(t *testing.T, net *transporttest.Network) {
		a := simHost(t, net, 1, transport.Config{})
		b := simHost(t, net, 2, transport.Config{OnStream: echoStream})
		defer a.Close()
		defer b.Close()
		a.Learn(b.Key(), transport.SourceLink, []transport.Addr{"/ip4/1.0.0.99/udp/7000/quic-v1"})
		b.Learn(a.Key(), transport.SourceLink, a.Addrs())
		go func() {
			time.Sleep(time.Second)
			if s, err := b.Open(t.Context(), a.Key()); err == nil {
				s.Reset()
			}
		}()
		start := time.Now()
		s, err := a.Open(t.Context(), b.Key())
		if err != nil {
			t.Fatal(err)
		}
		if got := time.Since(start); got > 1200*time.Millisecond {
			t.Errorf("Open took %v", got)
		}
		ask(t, s)
	})
}

func TestAddressLearntWhileDialling(t *testing.T) {
	inBubble(t, func(t *testing.T, net *transporttest.Network) {
		a := simHost(t, net, 1, transport.Config{})
		b := simHost(t, net, 2, transport.Config{OnStream: echoStream})
		defer a.Close()
		defer b.Close()
		a.Learn(b.Key(), transport.SourceLink, []transport.Addr{"/ip4/1.0.0.99/udp/7000/quic-v1"})
		done := make(chan error, 2)
		open := func() {
			s, err := a.Open(t.Context(), b.Key())
			if err == nil {
				s.Reset()
			}
			done <- err
		}
		start := time.Now()
		go open()
		time.Sleep(time.Second)
		a.Learn(b.Key(), transport.SourceRelay, b.Addrs())
		go open()
		for range 2 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		if got := time.Since(start); got > 1200*time.Millisecond {
			t.Errorf("took %v", got)
		}
	})
}

func TestRestartedPeer(t *testing.T) {
	inBubble(t, func(t *testing.T, net *transporttest.Network) {
		var ups []bool
		a := simHost(t, net, 1, transport.Config{OnPeer: func(_ transport.Key, up bool) { ups = append(ups, up) }})
		defer a.Close()
		for round := range 3 {
			b := simHost(t, net, 2, transport.Config{OnStream: echoStream})
			a.Learn(b.Key(), transport.SourceLink, b.Addrs())
			s, err := a.Open(t.Context(), b.Key())
			if err != nil {
				t.Fatalf("round %d: %v", round, err)
			}
			ask(t, s)
			b.Close()
			synctest.Wait()
			time.Sleep(time.Second)
		}
		synctest.Wait()
		if want := []bool{true, false, true, false, true, false}; !slices.Equal(ups, want) {
			t.Errorf("OnPeer: got %v, want %v", ups, want)
		}
	})
}

// TestNewestConnection: a machine that is back, and calls, is answered over that
// connection, though the old one is not known to be dead.
func TestNewestConnection(t *testing.T) {
	inBubble(t, func(t *testing.T, net *transporttest.Network) {
		a := simHost(t, net, 1, transport.Config{OnStream: echoStream})
		defer a.Close()
		b := simHost(t, net, 2, transport.Config{OnStream: echoStream})
		connectTo(t, a, b)
		net.Down("1.0.0.2", true) // its good-byes are not heard
		time.Sleep(time.Second)
		b.Close()
		net.Down("1.0.0.2", false)
		back := simHost(t, net, 2, transport.Config{
			OnStream: echoStream, Listen: []transport.Addr{"/ip4/1.0.0.2/udp/7001/quic-v1"},
		})
		defer back.Close()
		connectTo(t, back, a)
		s, err := a.Open(t.Context(), back.Key())
		if err != nil {
			t.Fatal(err)
		}
		if s.SetDeadline(time.Now().Add(time.Second)) != nil {
			t.Fatal("no deadline")
		}
		ask(t, s)
	})
}

func TestRelayMustNotNamePrivateAddresses(t *testing.T) {
	inBubble(t, func(t *testing.T, net *transporttest.Network) {
		a := simHost(t, net, 1, transport.Config{})
		relay := simHost(t, net, 2, transport.Config{OnStream: echoStream, Server: true})
		// A machine on a private network that the relay points to.
		b := simHost(t, net, 3, transport.Config{OnStream: echoStream, Listen: []transport.Addr{"/ip4/10.0.0.3/udp/7000/quic-v1"}})
		defer a.Close()
		defer relay.Close()
		defer b.Close()
		a.Learn(relay.Key(), transport.SourceUser, relay.Addrs())
		s, err := a.Open(t.Context(), relay.Key())
		if err != nil {
			t.Fatal(err)
		}
		ask(t, s)
		a.LearnFromRelay(b.Key(), relay.Key(), b.Addrs())
		if _, err := a.Open(t.Context(), b.Key()); !errors.Is(err, transport.ErrNoAddress) {
			t.Errorf("got %v, want %v", err, transport.ErrNoAddress)
		}
		a.Learn(b.Key(), transport.SourceLink, b.Addrs())
		s, err = a.Open(t.Context(), b.Key())
		if err != nil {
			t.Fatalf("the user's own word: %v", err)
		}
		ask(t, s)
	})
}

func TestManyHostsBehindOneAddress(t *testing.T) {
	inBubble(t, func(t *testing.T, net *transporttest.Network) {
		relay := simHost(t, net, 2, transport.Config{OnStream: echoStream, Server: true})
		defer relay.Close()
		for i := range 40 { // above libp2p's limit of 8 at a time and 16 in a burst
			h := simHost(t, net, byte(10+i), transport.Config{
				Listen: []transport.Addr{transport.Addr(fmt.Sprintf("/ip4/1.0.0.1/udp/%d/quic-v1", 7000+i))},
			})
			defer h.Close()
			h.Learn(relay.Key(), transport.SourceUser, relay.Addrs())
			s, err := h.Open(t.Context(), relay.Key())
			if err != nil {
				t.Fatalf("host %d: %v", i, err)
			}
			ask(t, s)
		}
		if got := len(relay.Connected()); got != 40 {
			t.Errorf("got %d connections, want 40", got)
		}
	})
}

func TestAddressesAreToldToNobody(t *testing.T) {
	inBubble(t, func(t *testing.T, net *transporttest.Network) {
		b := simHost(t, net, 2, transport.Config{OnStream: echoStream})
		defer b.Close()
		stranger, conn := attacker(t, net, b)
		defer stranger.Close()
		time.Sleep(time.Minute) // for identify
		if protocols, err := stranger.Peerstore().GetProtocols(conn.RemotePeer()); err != nil || len(protocols) == 0 {
			t.Errorf("identify did not run: %v, %v", protocols, err)
		}
		for _, a := range stranger.Peerstore().Addrs(conn.RemotePeer()) {
			if a.String() != string(b.Addrs()[0]) { // the one that it dialled
				t.Errorf("was told %v", a)
			}
		}
	})
}
