package transport

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"quicnprotochat/transport/address"
)

// echo sends back what it reads.
func echo(s *Stream) { io.Copy(s, s) }

// newTestHost returns a host on loopback that is closed at the end.
func newTestHost(t testing.TB, n byte, cfg Config) *Host {
	t.Helper()
	if cfg.PrivateKey == nil {
		cfg.PrivateKey = testKey(n)
	}
	if cfg.Listen == nil {
		cfg.Listen = []Addr{"/ip4/127.0.0.1/udp/0/quic-v1"}
	}
	h, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return h
}

// roundTrip sends a line over a new stream to k and wants it back.
func roundTrip(t testing.TB, ctx context.Context, h *Host, k Key) *Stream {
	t.Helper()
	s, err := h.Open(ctx, k)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	if _, err := s.Write([]byte("hello")); err != nil {
		t.Fatalf("Write: %v", err)
	}
	buf := make([]byte, 5)
	if _, err := io.ReadFull(s, buf); err != nil || string(buf) != "hello" {
		t.Fatalf("Read: got %q, %v", buf, err)
	}
	return s
}

func TestTwoHosts(t *testing.T) {
	streams := make(chan *Stream, 1)
	b := newTestHost(t, 2, Config{OnStream: func(s *Stream) {
		streams <- s
		echo(s)
	}})
	a := newTestHost(t, 1, Config{})
	if _, err := a.Open(t.Context(), b.Key()); !errors.Is(err, ErrNoAddress) {
		t.Errorf("before learning: got %v, want %v", err, ErrNoAddress)
	}
	a.Learn(b.Key(), SourceLink, b.Addrs())
	s := roundTrip(t, t.Context(), a, b.Key())
	defer s.Close()
	if s.Key() != b.Key() || s.Path() != PathDirect || s.RemoteHost() != "127.0.0.1" {
		t.Errorf("got %v, %v, %v", s.Key(), s.Path(), s.RemoteHost())
	}
	in := <-streams
	if in.Key() != a.Key() || in.Path() != PathDirect || in.RemoteHost() != "127.0.0.1" || in.Remote().Port() != a.ListenPort() {
		t.Errorf("inbound: got %v, %v, %v", in.Key(), in.Path(), in.Remote())
	}
	st := a.Peer(b.Key())
	if !st.Connected || st.Path != PathDirect || st.Remote != b.Addrs()[0] || len(st.Tried) != 1 || st.Tried[0].Err != "" {
		t.Errorf("Peer: got %+v", st)
	}
	if got := a.Connected(); !slices.Equal(got, []Key{b.Key()}) {
		t.Errorf("Connected: got %v", got)
	}
	// The one that was dialled finds its way back without having been told any address.
	back, err := b.Open(t.Context(), a.Key())
	if err != nil {
		t.Fatalf("Open back: %v", err)
	}
	back.Reset()
}

func TestUnknownProtocolIsNoticedAtRead(t *testing.T) {
	a, b := newTestHost(t, 1, Config{}), newTestHost(t, 2, Config{})
	a.Learn(b.Key(), SourceUser, b.Addrs())
	s, err := a.Open(t.Context(), b.Key())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Reset()
	if _, err := s.Read(make([]byte, 1)); err == nil {
		t.Error("Read: got no error")
	}
}

func TestWrongKey(t *testing.T) {
	a, b := newTestHost(t, 1, Config{}), newTestHost(t, 2, Config{OnStream: echo})
	url, err := NewRelayURL(keyFor(3), "127.0.0.1", b.ListenPort())
	if err != nil {
		t.Fatal(err)
	}
	a.Learn(url.Key, SourceUser, url.Addrs())
	_, err = a.Open(t.Context(), url.Key)
	var dial *DialError
	if !errors.Is(err, ErrWrongKey) || !errors.As(err, &dial) || len(dial.Attempts) != 2 || dial.Key != url.Key {
		t.Fatalf("got %v, want %v", err, ErrWrongKey)
	}
	st := a.Peer(url.Key)
	if st.Connected || st.Path != PathNone || len(st.Tried) != 2 || !strings.Contains(st.Tried[0].Err+st.Tried[1].Err, b.Key().String()) || st.Tried[0].At.IsZero() {
		t.Errorf("Peer: got %+v", st)
	}
	// No back-off: what is right at once after works at once.
	a.Learn(b.Key(), SourceUser, b.Addrs())
	roundTrip(t, t.Context(), a, b.Key()).Reset()
}

func TestOpenOwnKeyAndClosed(t *testing.T) {
	a := newTestHost(t, 1, Config{})
	if _, err := a.Open(t.Context(), a.Key()); err == nil {
		t.Error("own key: got no error")
	}
	a.Close()
	a.Close()
	if _, err := a.Open(t.Context(), keyFor(2)); !errors.Is(err, ErrClosed) {
		t.Errorf("closed: got %v, want %v", err, ErrClosed)
	}
}

func TestAddressInUse(t *testing.T) {
	c, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	addr, err := address.AddrFor("127.0.0.1", uint16(c.LocalAddr().(*net.UDPAddr).Port))
	if err != nil {
		t.Fatal(err)
	}
	for _, listen := range [][]Addr{{addr}, {"/ip4/127.0.0.1/udp/0/quic-v1", addr}} {
		if _, err := New(Config{PrivateKey: testKey(1), Listen: listen}); !errors.Is(err, ErrListen) {
			t.Errorf("listen on %v: got %v, want %v", listen, err, ErrListen)
		}
	}
	if _, err := New(Config{}); err == nil {
		t.Error("no private key: got no error")
	}
}

func TestDefaultListen(t *testing.T) {
	h, err := New(Config{PrivateKey: testKey(1)})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	addrs := h.Addrs()
	if len(addrs) == 0 || h.ListenPort() == 0 {
		t.Fatalf("got %v and port %d", addrs, h.ListenPort())
	}
	for _, a := range addrs {
		if !a.CanDial() || a.Port() == 0 {
			t.Errorf("%s cannot be dialled", a)
		}
		if a.IsLoopback() != addrs[0].IsLoopback() {
			t.Errorf("loopback is told together with other addresses: %v", addrs)
		}
	}
	again, err := New(Config{PrivateKey: testKey(2), Listen: []Addr{Addr("/ip4/0.0.0.0/udp/0/quic-v1").WithPort(h.ListenPort())}})
	if !errors.Is(err, ErrListen) {
		again.Close()
		t.Errorf("port in use: got %v, want %v", err, ErrListen)
	}
}

func TestOnPeer(t *testing.T) {
	type change struct {
		k  Key
		up bool
	}
	changes := make(chan change, 10)
	a := newTestHost(t, 1, Config{OnPeer: func(k Key, up bool) { changes <- change{k, up} }})
	b := newTestHost(t, 2, Config{OnStream: echo})
	a.Learn(b.Key(), SourceLink, b.Addrs())
	s := roundTrip(t, t.Context(), a, b.Key())
	if got, want := <-changes, (change{b.Key(), true}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
	b.Close()
	if got, want := <-changes, (change{b.Key(), false}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
	if _, err := s.Read(make([]byte, 1)); err == nil {
		t.Error("Read after the peer left: got no error")
	}
	if a.Peer(b.Key()).Connected || len(a.Connected()) != 0 {
		t.Error("still connected")
	}
}

func TestLearnFromRelay(t *testing.T) {
	addrs := []Addr{
		"/ip4/8.8.8.8/udp/7/quic-v1", "/ip4/127.0.0.1/udp/7/quic-v1", "/ip4/10.0.0.1/udp/7/quic-v1",
		"/ip6/fe80::1/udp/7/quic-v1", "/dns/localhost/udp/7/quic-v1",
	}
	a := newTestHost(t, 1, Config{})
	near, far, unknown, hearsay := keyFor(4), keyFor(5), keyFor(6), keyFor(7)
	a.Learn(hearsay, SourcePeer, []Addr{"/ip4/10.0.0.1/udp/7000/quic-v1"})
	a.Learn(near, SourceUser, []Addr{"/ip4/127.0.0.1/udp/7000/quic-v1"})
	a.Learn(far, SourceUser, []Addr{"/ip4/9.9.9.9/udp/7000/quic-v1"})
	for i, tt := range []struct {
		relay Key
		want  int
	}{{near, len(addrs)}, {far, 1}, {unknown, 1}, {hearsay, 1}} {
		k := keyFor(byte(20 + i))
		a.LearnFromRelay(k, tt.relay, addrs)
		if got, _ := a.book.candidates(k, time.Now()); len(got) != tt.want || !slices.Contains(got, addrs[0]) {
			t.Errorf("relay %d: got %v, want %d addresses", i, got, tt.want)
		}
	}
	k := keyFor(30)
	a.Learn(k, SourceRelay, addrs)
	if got, _ := a.book.candidates(k, time.Now()); !slices.Equal(got, addrs[:1]) {
		t.Errorf("Learn: got %v, want %v", got, addrs[:1])
	}
	a.Learn(k, SourcePeer, addrs)
	if got, _ := a.book.candidates(k, time.Now()); len(got) != len(addrs)-1 || slices.Contains(got, addrs[1]) {
		t.Errorf("Learn from the peer: got %v", got)
	}
	if _, err := a.Open(t.Context(), keyFor(31)); !errors.Is(err, ErrNoAddress) {
		t.Errorf("got %v, want %v", err, ErrNoAddress)
	}
}

func TestDialByName(t *testing.T) {
	if ips, err := net.DefaultResolver.LookupNetIP(t.Context(), "ip4", "localhost"); err != nil || len(ips) == 0 {
		t.Skip("localhost is not a name here")
	}
	a, b := newTestHost(t, 1, Config{}), newTestHost(t, 2, Config{OnStream: echo})
	url, err := NewRelayURL(b.Key(), "localhost", b.ListenPort())
	if err != nil {
		t.Fatal(err)
	}
	a.Learn(url.Key, SourceUser, url.Addrs())
	s := roundTrip(t, t.Context(), a, url.Key)
	defer s.Close()
	if s.RemoteHost() != "127.0.0.1" {
		t.Errorf("got %v", s.RemoteHost())
	}
}
