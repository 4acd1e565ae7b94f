package pauses

import (
	"testing"
	"time"

	"quicnprotochat/transport/address"
)

// TestPauses: where UDP comes and goes all the time, the tries become rare, whether
// they succeed or not, until the machine is somewhere else or long after.
func TestPauses(t *testing.T) {
	p := New()
	k := address.Key{1}
	const every = 5 * time.Second
	now := time.Unix(0, 0)
	tries := func(local address.Addr, d time.Duration) (n int) {
		for end := now.Add(d); now.Before(end); now = now.Add(every) {
			p.At([]address.Addr{local}, now)
			opened := now.Add(-now.Sub(time.Unix(0, 0)) % (30 * time.Second)) // each 30 s anew
			if p.Due(k, opened, now) {
				n++
			}
		}
		return n
	}
	const home, away = "/ip4/192.168.1.2/udp/1/quic-v1", "/ip4/192.168.1.3/udp/1/quic-v1"
	for _, c := range []struct {
		local address.Addr
		after time.Duration
		least int
		most  int
	}{{home, 2 * time.Minute, 2, 3}, {home, 8 * time.Minute, 1, 3}, {home, time.Hour, 5, 7}, {away, 2 * time.Minute, 2, 3}} {
		if n := tries(c.local, c.after); n < c.least || n > c.most {
			t.Errorf("%d tries in %v, want %d to %d", n, c.after, c.least, c.most)
		}
	}
	p.At([]address.Addr{away}, now.Add(time.Hour))
	if !p.None() {
		t.Errorf("%v is kept for ever", p.of)
	}
}
