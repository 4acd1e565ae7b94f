package transport

import (
	"testing"
	"time"
)

// TestLeaveTCP: a machine that was reached over TCP is asked over QUIC again and again.
// Once it answers there, the connection over TCP is closed, its stream says that it is worn,
// and the next one is over QUIC; until then it is left alone.
func TestLeaveTCP(t *testing.T) {
	relay := newTestHost(t, 1, Config{OnStream: echo, Server: true, TCP: true})
	node := newTestHost(t, 2, Config{})
	quic := relay.Addrs()[0]
	node.Learn(relay.Key(), SourceUser, []Addr{quic.OverTCP()})
	s := roundTrip(t, t.Context(), node, relay.Key())
	if s.Remote().IsQUIC() {
		t.Fatalf("connected to %s, want TCP", s.Remote())
	}
	over := node.overTCP()[relay.Key()]
	if over == nil || len(relay.overTCP()) != 0 {
		t.Fatal("the side that dialled has a connection over TCP, the other has none of its own")
	}

	node.tryQUIC(over)
	if _, err := s.Read(make([]byte, 1)); err == nil || !s.Worn() {
		t.Errorf("read: got %v, worn %v, want the connection closed to be made anew", err, s.Worn())
	}
	node.Learn(relay.Key(), SourceUser, []Addr{quic})
	began := time.Now()
	s = roundTrip(t, t.Context(), node, relay.Key())
	t.Logf("made anew after %v", time.Since(began))
	if !s.Remote().IsQUIC() {
		t.Errorf("connected to %s, want QUIC", s.Remote())
	}
}

// TestLeaveTCPLate: a host that closes asks nobody over QUIC any more.
func TestLeaveTCPLate(t *testing.T) {
	relay := newTestHost(t, 1, Config{OnStream: echo, Server: true, TCP: true})
	node := newTestHost(t, 2, Config{})
	node.Learn(relay.Key(), SourceUser, []Addr{relay.Addrs()[0].OverTCP()})
	roundTrip(t, t.Context(), node, relay.Key())
	over := node.overTCP()[relay.Key()]
	if err := node.Close(); err != nil {
		t.Fatal(err)
	}
	node.tryQUIC(over) // it would panic
}
