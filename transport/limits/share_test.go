package limits

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/libp2p/go-libp2p/core/network"
)

// scopes keeps the scope that a muxer hands on.
type scopes struct{ last network.PeerScope }

func (s *scopes) NewConn(_ net.Conn, _ bool, scope network.PeerScope) (network.MuxedConn, error) {
	s.last = scope
	return nil, nil
}

// from is a connection from an address.
type from struct {
	net.Conn
	addr net.Addr
}

func (f from) RemoteAddr() net.Addr { return f.addr }

// window is what a stream takes in these tests.
const window = 256 << 10

// sharers returns what makes scopes of connections that share the memory of so many
// windows.
func sharers(t *testing.T, windows int64, log io.Writer) (scope func(addr string, isServer bool) network.PeerScope) {
	inner := new(scopes)
	m := Limits{memory: windows * window}.Muxer(inner, slog.New(slog.NewTextHandler(log, nil)))
	return func(addr string, isServer bool) network.PeerScope {
		t.Helper()
		at := net.TCPAddrFromAddrPort(netip.MustParseAddrPort(addr))
		if _, err := m.NewConn(from{addr: at}, isServer, &network.NullScope{}); err != nil {
			t.Fatal(err)
		}
		return inner.last
	}
}

// TestShare: one network gets its share of the memory, another one has its own, and
// what is given back can be taken again.
func TestShare(t *testing.T) {
	var log bytes.Buffer
	scope := sharers(t, tcpShare*4, &log)
	span := func(s network.PeerScope) network.ResourceScopeSpan {
		t.Helper()
		span, err := s.BeginSpan()
		if err != nil {
			t.Fatal(err)
		}
		return span
	}
	for _, tt := range []struct{ one, same, other string }{
		{"1.2.3.4:1", "1.2.3.4:2", "1.2.3.5:1"},
		{"[2001:db8:1::1]:1", "[2001:db8:1:ff::1]:1", "[2001:db8:1:100::1]:1"},
		{"[::ffff:9.9.9.9]:1", "9.9.9.9:1", "9.9.9.8:1"},
		{"127.0.0.1:1", "[::ffff:127.0.0.1]:1", "[::1]:1"},
	} {
		log.Reset()
		one, same, other := scope(tt.one, true), scope(tt.same, true), scope(tt.other, true)
		var held []network.ResourceScopeSpan
		for i := range 4 {
			s := span([]network.PeerScope{one, same}[i%2])
			if err := s.ReserveMemory(window, 255); err != nil {
				t.Fatalf("%s: stream %d: %v", tt.one, i, err)
			}
			held = append(held, s)
		}
		if err := held[0].ReserveMemory(1, 128); !errors.Is(err, errShare) || log.Len() > 0 {
			t.Errorf("%s: a larger window: got %v and %q in the log", tt.one, err, log.String())
		}
		if err := span(same).ReserveMemory(window, 255); !errors.Is(err, errShare) || !strings.Contains(log.String(), "cut off") {
			t.Errorf("%s: one more: got %v and %q in the log", tt.one, err, log.String())
		}
		if err := span(other).ReserveMemory(window, 255); err != nil {
			t.Errorf("%s: %v", tt.other, err)
		}
		if err := span(scope(tt.one, false)).ReserveMemory(window, 255); err != nil {
			t.Errorf("%s: who was dialled: %v", tt.one, err)
		}
		held[1].ReleaseMemory(window)
		held[2].Done()
		held[2].Done()
		for range 2 {
			if err := span(one).ReserveMemory(window, 255); err != nil {
				t.Errorf("%s: given back: %v", tt.one, err)
			}
		}
		if err := span(one).ReserveMemory(window, 255); !errors.Is(err, errShare) {
			t.Errorf("%s: given back once: got %v, want errShare", tt.one, err)
		}
	}
}

// TestShareOfSite: the lines of one site have a quarter of the memory together.
func TestShareOfSite(t *testing.T) {
	scope := sharers(t, tcpShare*4, io.Discard)
	take := func(addr string) error {
		t.Helper()
		span, err := scope(addr, true).BeginSpan()
		if err != nil {
			t.Fatal(err)
		}
		return span.ReserveMemory(window, 255)
	}
	for i := range tcpShare * 4 {
		line := fmt.Sprintf("[2001:db8:1:%x00::1]:1", i/4)
		if err := take(line); (err != nil) != (i >= tcpShare*4/tcpSite) {
			t.Errorf("stream %d: got %v", i, err)
		}
	}
	if err := take("[2001:db8:2::1]:1"); err != nil {
		t.Errorf("another site: %v", err)
	}
}
