package integration

import (
	"testing"
	"time"

	"quicnprotochat/node/localapi"
)

// idlePair is the time in which a quiet connection may cost two packets.
const idlePair = 20 * time.Second

// TestIdle counts the packets of two people who are connected to each other and to
// their relay and say nothing, and of a third whom they know and do not talk to.
func TestIdle(t *testing.T) {
	simulate(t, func(w *world) {
		r := w.relay()
		a, b, c := w.node("anna", r.url()), w.node("bob", r.url()), w.node("carl")
		a.add(b)
		a.add(c)
		a.await(a.send(b, "hello"), localapi.Delivered, time.Minute)
		a.await(a.send(c, "hello"), localapi.Delivered, time.Minute)
		c.halt() // what is sent to him is counted too
		time.Sleep(10*time.Minute + 30*time.Second)
		count := func() int { return w.net.Sent(a.ip) + w.net.Sent(b.ip) + w.net.Sent(r.ip) }
		const connections = 3 // anna and bob, and of each to the relay
		// Each ten minutes mail is asked for anew and the endpoint looked at, and each half an hour it is seen to
		// that the relay has all it should have, and that others may call us there.
		for _, c := range []struct {
			quiet  time.Duration
			upkeep int // packets
		}{{5 * time.Minute, 0}, {time.Hour, 2 * (2*6*4 + 2*24 + 2*12)}} {
			before := count()
			time.Sleep(c.quiet)
			most := connections*2*int(c.quiet/idlePair+1) + c.upkeep
			got := count() - before
			t.Logf("%d packets in %v on %d connections, at most %d are allowed", got, c.quiet, connections, most)
			if got > most {
				t.Errorf("got %d packets in %v, want at most %d", got, c.quiet, most)
			}
		}
	})
}
