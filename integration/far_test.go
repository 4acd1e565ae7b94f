package integration

import (
	"fmt"
	"testing"
	"time"

	"quicnprotochat/node/localapi"
)

// TestFarAway lets two talk whose machines answer more slowly than their relay, which
// acknowledges and forgets: each message gets there on the connection they have.
func TestFarAway(t *testing.T) {
	simulate(t, func(w *world) {
		r := newRogue(w, w.ip(), 1)
		a, b := w.node("alice", r.url), w.node("bob", r.url)
		a.settled()
		b.settled()
		a.add(b)
		a.await(a.send(b, "near"), localapi.Delivered, time.Minute)
		w.net.Delay(a.ip, b.ip, 200*time.Millisecond) // 420 ms there and back
		r.tell(lieForget)
		for i := range 10 {
			time.Sleep(7 * time.Second)
			a.await(a.send(b, fmt.Sprint("far ", i)), localapi.Direct, 3*time.Second)
		}
		for i := range 10 { // before the next try by the clock
			time.Sleep(time.Second)
			a.await(a.send(b, fmt.Sprint("quick ", i)), localapi.Delivered, 5*time.Second)
		}
	})
}
