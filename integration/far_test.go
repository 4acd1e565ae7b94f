package integration

import (
	"fmt"
	"testing"
	"time"

	"quicnprotochat/node/localapi"
)

// farApart returns two who know each other, and whose machines now answer each other more
// slowly than the relay of both, which acknowledges what it takes and forgets it.
func farApart(w *world) (a, b *simNode) {
	w.t.Helper()
	r := newRogue(w, w.ip(), 1)
	a, b = w.node("alice", r.url), w.node("bob", r.url)
	a.settled()
	a.meet(b, "near")
	time.Sleep(10 * time.Second)
	w.net.Delay(a.ip, b.ip, 200*time.Millisecond) // 420 ms there and back
	r.tell(lieForget)
	return a, b
}

// TestFarAway: each message gets there on the connection they have, the relay's word or not.
func TestFarAway(t *testing.T) {
	simulate(t, func(w *world) {
		a, b := farApart(w)
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

// TestLateWord: that the machine has taken a message is noted though its race was over, the
// relay having answered first.
func TestLateWord(t *testing.T) {
	simulate(t, func(w *world) {
		a, b := farApart(w)
		// Of so many the receipts are not sent one by one: there is time to look.
		seen := make(map[localapi.State]int)
		for i := range 12 {
			id := a.send(b, fmt.Sprint("far ", i))
			time.Sleep(300 * time.Millisecond)
			first := a.look(id).State
			time.Sleep(400 * time.Millisecond)
			if first == localapi.Stored {
				seen[a.look(id).State]++
			}
			if x := a.why(id); tried(x, b, "relay", true) == nil || tried(x, b, "machine", true) == nil {
				t.Errorf("got %+v, want that both took it", x)
			}
		}
		t.Logf("700 ms after they were sent, messages that were stored at first: %v", seen)
		if seen[localapi.Stored] > 0 || seen[localapi.Direct] == 0 {
			t.Errorf("got %v 700 ms after they were sent, want direct or delivered", seen)
		}
	})
}
