package transport_test

import (
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quic-go/quic-go"

	"quicnprotochat/transport"
	"quicnprotochat/transport/plain"
	"quicnprotochat/transport/transporttest"
)

func echoPlain(s *plain.Stream) { io.Copy(s, s) }

// TestPlainOnOnePort serves libp2p and plain QUIC on the same ports, of IPv4 and
// IPv6, and plain QUIC on one more.
func TestPlainOnOnePort(t *testing.T) {
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	var from atomic.Value
	cfg := transport.Config{
		PrivateKey: key, Listen: []transport.Addr{"/ip4/127.0.0.1/udp/0/quic-v1"}, OnStream: echoStream,
		OnPlain: func(s *plain.Stream) {
			from.Store(s.RemoteHost())
			echoPlain(s)
		},
		PlainListen: []transport.Addr{"/ip4/127.0.0.1/udp/0/quic-v1"},
	}
	if c, err := net.ListenPacket("udp6", "[::1]:0"); err == nil {
		c.Close()
		cfg.Listen = append(cfg.Listen, "/ip6/::1/udp/0/quic-v1")
	}
	h, err := transport.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	addrs := h.PlainAddrs()
	if len(addrs) != len(cfg.Listen)+1 {
		t.Errorf("plain addresses: got %v", addrs)
	}
	for _, a := range addrs {
		u, err := transport.NewRelayURL(h.Key(), a.Host(), a.Port())
		if err != nil {
			t.Fatal(err)
		}
		s, err := transport.DialPlain(t.Context(), plain.Dialer{}, u)
		if err != nil {
			t.Fatalf("%s: %v", a, err)
		}
		ask(t, s)
		if got := from.Load(); got != a.Host() {
			t.Errorf("from %v, want %v", got, a.Host())
		}
		s.Close()
		u.Key = transport.Key(key.Seed()) // another
		if _, err := transport.DialPlain(t.Context(), plain.Dialer{}, u); !errors.Is(err, transport.ErrWrongKey) {
			t.Errorf("%s with another key: got %v, want %v", a, err, transport.ErrWrongKey)
		}
	}
	_, other, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	a, err := transport.New(transport.Config{PrivateKey: other, Listen: cfg.Listen[:1]})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	a.Learn(h.Key(), transport.SourceUser, h.Addrs())
	s, err := a.Open(t.Context(), h.Key())
	if err != nil {
		t.Fatal(err)
	}
	ask(t, s)
	if _, ok := a.Certificate(); ok || a.PlainAddrs() != nil {
		t.Error("a host that serves no plain QUIC has a certificate for it")
	}
}

// TestPlainLeavesRoom has more plain connections than libp2p may have in all: they
// take nothing of its limits.
func TestPlainLeavesRoom(t *testing.T) {
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	listen := []transport.Addr{"/ip4/127.0.0.1/udp/0/quic-v1"}
	h, err := transport.New(transport.Config{PrivateKey: key, Listen: listen, OnStream: echoStream, OnPlain: echoPlain})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	socket, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	tr := &quic.Transport{Conn: socket}
	defer tr.Close()
	to := &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: int(h.ListenPort())}
	for i := range 600 {
		c, err := tr.Dial(t.Context(), to, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"capnp"}}, nil)
		if err != nil {
			t.Fatalf("connection %d: %v", i, err)
		}
		s, err := c.OpenStream()
		if err != nil {
			t.Fatal(err)
		}
		ask(t, s)
	}
	_, other, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	a, err := transport.New(transport.Config{PrivateKey: other, Listen: listen})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	a.Learn(h.Key(), transport.SourceUser, h.Addrs())
	s, err := a.Open(t.Context(), h.Key())
	if err != nil {
		t.Fatal(err)
	}
	ask(t, s)
}

// plainBubble serves plain QUIC at 1.0.0.1 in virtual time, and returns how to
// dial it from 2.0.0.1.
func plainBubble(t *testing.T, cfg transport.Config, f func(t *testing.T, dial func(alpn string) (*quic.Conn, error), h *transport.Host)) {
	inBubble(t, func(t *testing.T, net *transporttest.Network) {
		if cfg.OnPlain == nil {
			cfg.OnPlain = echoPlain
		}
		h := simHost(t, net, 1, cfg)
		defer h.Close()
		cache := tls.NewLRUClientSessionCache(8)
		dial := func(alpn string) (*quic.Conn, error) {
			return dialQUIC(t.Context(), t, net.Socket("2.0.0.1"), &tls.Config{ServerName: "relay", InsecureSkipVerify: true, NextProtos: []string{alpn}, ClientSessionCache: cache})
		}
		f(t, dial, h)
	})
}

// dialQUIC connects as a program does that knows nothing of this one.
// It would resume a session and send early data if it could.
func dialQUIC(ctx context.Context, t *testing.T, socket net.PacketConn, conf *tls.Config) (*quic.Conn, error) {
	tr := &quic.Transport{Conn: socket}
	t.Cleanup(func() {
		tr.Close()
		socket.Close()
	})
	c, err := tr.DialEarly(ctx, net.UDPAddrFromAddrPort(netip.MustParseAddrPort("1.0.0.1:7000")), conf, &quic.Config{KeepAlivePeriod: 10 * time.Second})
	if err != nil {
		return nil, err
	}
	select {
	case <-c.HandshakeComplete():
		return c, nil
	case <-c.Context().Done():
		return nil, context.Cause(c.Context())
	}
}

func TestPlainHandshake(t *testing.T) {
	plainBubble(t, transport.Config{}, func(t *testing.T, dial func(string) (*quic.Conn, error), h *transport.Host) {
		for _, alpn := range []string{"h3", "capnp2", "Capnp", ""} {
			if c, err := dial(alpn); err == nil {
				t.Errorf("protocol %q is taken", alpn)
				c.CloseWithError(0, "")
			}
		}
		for range 2 {
			c, err := dial("capnp")
			if err != nil {
				t.Fatal(err)
			}
			state := c.ConnectionState()
			if state.TLS.Version != tls.VersionTLS13 || state.TLS.DidResume || state.Used0RTT {
				t.Errorf("got %+v", state)
			}
			s, err := c.OpenStream()
			if err != nil {
				t.Fatal(err)
			}
			ask(t, s)
			c.CloseWithError(0, "")
		}
	})
}

// TestPlainStreams opens many streams at once, more than are served at a time,
// and streams that are good for nothing.
func TestPlainStreams(t *testing.T) {
	var running, most atomic.Int32
	cfg := transport.Config{PlainLimits: plain.Limits{StreamsPerConn: 4}, OnPlain: func(s *plain.Stream) {
		most.Store(max(most.Load(), running.Add(1)))
		defer running.Add(-1)
		echoPlain(s)
	}}
	plainBubble(t, cfg, func(t *testing.T, dial func(string) (*quic.Conn, error), h *transport.Host) {
		c, err := dial("capnp")
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan error)
		for range 100 { // one stream for each call
			go func() {
				s, err := c.OpenStreamSync(t.Context())
				if err == nil {
					_, err = s.Write([]byte("x"))
				}
				if err == nil {
					_, err = io.ReadFull(s, make([]byte, 1))
					s.Close()
				}
				done <- err
			}()
		}
		for range 100 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		if got := most.Load(); got > 4 {
			t.Errorf("%d streams were served at once, want at most 4", got)
		}
		// Streams that are empty, reset, or stopped keep no place.
		for range 300 {
			s, err := c.OpenStreamSync(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			s.Write([]byte("x"))
			s.CancelRead(7)
			s.CancelWrite(7)
		}
		s, err := c.OpenStreamSync(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ask(t, s)
		u, err := c.OpenUniStream()
		if err != nil {
			t.Fatal(err)
		}
		u.Write([]byte("x"))
		<-c.Context().Done()
		var end *quic.ApplicationError
		if !errors.As(context.Cause(c.Context()), &end) || end.ErrorCode != 2 {
			t.Errorf("a unidirectional stream: got %v", context.Cause(c.Context()))
		}
		synctest.Wait()
		if got := running.Load(); got != 0 {
			t.Errorf("%d streams are served after the end", got)
		}
	})
}

// TestPlainLeftStreams leaves streams open that the other side is done with: they
// keep no place.
func TestPlainLeftStreams(t *testing.T) {
	cfg := transport.Config{OnPlain: func(*plain.Stream) {}}
	plainBubble(t, cfg, func(t *testing.T, dial func(string) (*quic.Conn, error), h *transport.Host) {
		c, err := dial("capnp")
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		for i := range 1000 {
			s, err := c.OpenStreamSync(ctx)
			if err != nil {
				t.Fatalf("stream %d: %v", i, err)
			}
			s.Write([]byte("x"))
			if _, err := s.Read(make([]byte, 1)); err != io.EOF {
				t.Fatalf("stream %d: got %v, want %v", i, err, io.EOF)
			}
		}
	})
}

// TestPlainIdle waits for connections without streams, streams without bytes, and
// streams on which nothing comes any more.
func TestPlainIdle(t *testing.T) {
	open := func(t *testing.T, c *quic.Conn) *quic.Stream {
		s, err := c.OpenStream()
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	plainBubble(t, transport.Config{}, func(t *testing.T, dial func(string) (*quic.Conn, error), h *transport.Host) {
		for _, tt := range []struct {
			name string
			use  func(*quic.Conn)
			want time.Duration
		}{
			{"no stream", func(*quic.Conn) {}, 30 * time.Second},
			{"half-open stream", func(c *quic.Conn) {
				open(t, c) // the next one opens it at the other side too
				s := open(t, c)
				ask(t, s)
				s.Close()
			}, time.Minute},
			{"silent stream", func(c *quic.Conn) {
				s := open(t, c)
				ask(t, s)
				if _, err := s.Read(make([]byte, 1)); err != io.EOF {
					t.Errorf("read of an idle stream: got %v, want %v", err, io.EOF)
				}
			}, 5*time.Minute + 30*time.Second},
		} {
			c, err := dial("capnp")
			if err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			tt.use(c)
			select {
			case <-c.Context().Done():
			case <-time.After(time.Hour):
				t.Fatalf("%s: goes on", tt.name)
			}
			if got := time.Since(start); got < tt.want-time.Second || got > tt.want+time.Second {
				t.Errorf("%s: ended after %v with %v, want %v", tt.name, got, context.Cause(c.Context()), tt.want)
			}
		}
	})
}

// TestPlainCrowd has more connections than one address may have.
func TestPlainCrowd(t *testing.T) {
	cfg := transport.Config{PlainLimits: plain.Limits{ConnsPerAddr: 3, StreamsPerAddr: 5, Empty: time.Hour}}
	plainBubble(t, cfg, func(t *testing.T, dial func(string) (*quic.Conn, error), h *transport.Host) {
		var open []*quic.Conn
		for range 5 {
			c, err := dial("capnp")
			if err != nil {
				t.Fatal(err)
			}
			open = append(open, c)
		}
		synctest.Wait()
		time.Sleep(time.Second)
		for i, c := range open {
			if ended := c.Context().Err() != nil; ended != (i >= 3) {
				t.Errorf("connection %d: ended %v", i, ended)
			}
		}
		for i := range 7 {
			s, err := open[i%3].OpenStream()
			if err != nil {
				t.Fatal(err)
			}
			s.Write([]byte("x"))
			if _, err := io.ReadFull(s, make([]byte, 1)); (err != nil) != (i >= 5) {
				t.Errorf("stream %d: got %v", i, err)
			}
		}
		open[0].CloseWithError(0, "")
		time.Sleep(time.Second)
		c, err := dial("capnp")
		if err != nil {
			t.Fatal(err)
		}
		s, err := c.OpenStream()
		if err != nil {
			t.Fatal(err)
		}
		ask(t, s)
		h.Close()
		<-c.Context().Done()
		if _, err := dial("capnp"); err == nil {
			t.Error("a closed host is still there")
		}
	})
}

// TestPlainSilent has more connections that say nothing than there may be: those that came
// first are ended, and not the one that spoke.
func TestPlainSilent(t *testing.T) {
	cfg := transport.Config{PlainLimits: plain.Limits{Silent: 3, Empty: time.Hour}}
	plainBubble(t, cfg, func(t *testing.T, dial func(string) (*quic.Conn, error), h *transport.Host) {
		var open []*quic.Conn
		for i := range 8 {
			c, err := dial("capnp")
			if err != nil {
				t.Fatal(err)
			}
			if open = append(open, c); i == 1 {
				s, err := c.OpenStream()
				if err != nil {
					t.Fatal(err)
				}
				ask(t, s)
			}
			if i == 6 {
				c.CloseWithError(0, "") // takes no place
			}
			time.Sleep(time.Second)
		}
		for i, c := range open {
			if ended, want := c.Context().Err() != nil, i == 0 || i == 2 || i == 3 || i == 6; ended != want {
				t.Errorf("connection %d: ended %v, want %v", i, ended, want)
			}
		}
	})
}

// TestPlainDialer dials from an address of its own in virtual time.
func TestPlainDialer(t *testing.T) {
	inBubble(t, func(t *testing.T, net *transporttest.Network) {
		from := make(chan string, 1)
		h := simHost(t, net, 1, transport.Config{OnPlain: func(s *plain.Stream) {
			from <- s.RemoteHost()
			echoPlain(s)
		}})
		defer h.Close()
		u, err := transport.NewRelayURL(h.Key(), "1.0.0.1", 7000)
		if err != nil {
			t.Fatal(err)
		}
		s, err := transport.DialPlain(t.Context(), net.Dialer("3.0.0.1"), u)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		ask(t, s)
		if got := <-from; got != "3.0.0.1" {
			t.Errorf("from %v", got)
		}
		time.Sleep(4 * time.Minute) // kept alive
		ask(t, s)
		net.Cut("1.0.0.1", "3.0.0.1", true)
		start := time.Now()
		if _, err := s.Read(make([]byte, 1)); err == nil || time.Since(start) > time.Minute {
			t.Errorf("a cut link: got %v after %v", err, time.Since(start))
		}
		var dial *transport.DialError
		if _, err := transport.DialPlain(t.Context(), net.Dialer("3.0.0.1"), u); !errors.As(err, &dial) || dial.Short() != "no answer" {
			t.Errorf("over a cut link: got %v, want no answer", err)
		}
	})
}

// mute lets only the first two packets through, which hold the client's hello.
type mute struct {
	net.PacketConn
	sent int
}

func (m *mute) WriteTo(b []byte, to net.Addr) (int, error) {
	if m.sent++; m.sent > 2 {
		return len(b), nil
	}
	return m.PacketConn.WriteTo(b, to)
}

// TestPlainHandshakes has more handshakes than one address may have: at once, and
// in a second.
func TestPlainHandshakes(t *testing.T) {
	inBubble(t, func(t *testing.T, net *transporttest.Network) {
		// One address may have an eighth of the handshakes.
		h := simHost(t, net, 1, transport.Config{OnPlain: echoPlain, PlainLimits: plain.Limits{Handshakes: 8, NewConnsPerAddr: 1}})
		defer h.Close()
		conf := &tls.Config{ServerName: "relay", InsecureSkipVerify: true, NextProtos: []string{"capnp"}}
		dial := func() error {
			c, err := dialQUIC(t.Context(), t, net.Socket("2.0.0.1"), conf)
			if err == nil {
				c.CloseWithError(0, "")
			}
			return err
		}
		taken := 0
		for range 20 {
			if dial() == nil {
				taken++
			}
			synctest.Wait()
		}
		if taken < 10 || taken > 12 { // some allowance comes back meanwhile
			t.Errorf("%d new connections at once, want 10", taken)
		}
		u, err := transport.NewRelayURL(h.Key(), "1.0.0.1", 7000)
		if err != nil {
			t.Fatal(err)
		}
		if s, err := transport.DialPlain(t.Context(), net.Dialer("2.0.0.1"), u); err != nil {
			t.Errorf("who comes again when refused: %v", err)
		} else {
			s.Close()
		}
		time.Sleep(time.Minute)
		if err := dial(); err != nil {
			t.Errorf("a minute later: %v", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		// This side may take itself for connected; the other one does not.
		_, _ = dialQUIC(ctx, t, &mute{PacketConn: net.Socket("2.0.0.1")}, conf)
		if err := dial(); err == nil {
			t.Error("a second handshake at a time: taken")
		}
		if c, err := dialQUIC(t.Context(), t, net.Socket("3.0.0.1"), conf); err != nil {
			t.Errorf("from another address: %v", err)
		} else {
			c.CloseWithError(0, "")
		}
		time.Sleep(time.Minute)
		if err := dial(); err != nil {
			t.Errorf("when the other has given up: %v", err)
		}
	})
}
