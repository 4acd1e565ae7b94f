package relay

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"quicnprotochat/rpc"
)

// TestClockSetBack: mail that a wrong clock has hidden from who waits for it is told of when
// the clock is right again, and not only when the wait is over.
func TestClockSetBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, clk := newTestService(t, Config{})
		a, b := newPerson(1), newPerson(2)
		if _, err := s.Enqueue(t.Context(), a.caller(), b.id, rpc.Channel{}, []byte("mail")); err != nil {
			t.Fatal(err)
		}
		go s.watchClock(t.Context())
		const ahead = 365 * 24 * time.Hour
		clk.add(ahead)
		time.AfterFunc(3*clockEvery, func() { clk.add(-ahead) })
		began := time.Now()
		list, err := s.Peek(t.Context(), b.caller(), b.id, rpc.Channel{}, 0, 10, rpc.MaxWait)
		took := time.Since(began)
		if err != nil || len(list) != 1 || took < 3*clockEvery || took > 5*clockEvery {
			t.Errorf("got %d payloads after %v, %v", len(list), took, err)
		}
	})
}

// TestClocksDiffer: who presents an endpoint by another clock is told that, and the time of
// the relay.
func TestClocksDiffer(t *testing.T) {
	s, clk := newTestService(t, Config{})
	a := newPerson(1)
	for _, off := range []time.Duration{-48 * time.Hour, 48 * time.Hour} {
		err := s.PublishEndpoint(t.Context(), a.caller(), a.id, a.endpoint(t, 1, clk.now().Add(off)))
		wantCode(t, off.String(), err, rpc.ErrEndpoint)
		if !strings.Contains(err.Error(), "clocks is wrong, at this relay it is 2026-01-03T00:00:00Z") {
			t.Errorf("off by %v: got %v", off, err)
		}
	}
}
