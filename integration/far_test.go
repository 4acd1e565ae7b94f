package integration

import (
	"fmt"
	"slices"
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

// TestSlowLink: packets take seconds, as over a satellite or through a full queue, to the
// relay and to the other machine. Connections are not taken for dead, and what is sent comes
// in a round trip, the first message in six.
func TestSlowLink(t *testing.T) {
	for _, trip := range []time.Duration{2 * time.Second, 3 * time.Second, 4500 * time.Millisecond} {
		t.Run(trip.String(), func(t *testing.T) {
			simulate(t, func(w *world) {
				r := w.relay()
				a, b := w.node("alice", r.url()), w.node("bob", r.url())
				for _, ip := range []string{b.ip, r.ip} {
					w.net.Delay(a.ip, ip, trip/2)
				}
				a.settled()
				a.add(b)
				a.await(a.send(b, "0"), localapi.Delivered, 6*trip)
				want := []string{"0"}
				for i := range 8 {
					time.Sleep(time.Duration(i*i) * time.Second)
					from, to := a, b
					if i%2 == 1 {
						from, to = b, a
					}
					want = append(want, fmt.Sprint(i+1))
					from.await(from.send(to, want[i+1]), localapi.Delivered, trip+2*time.Second)
				}
				for _, n := range []*simNode{a, b} {
					other := map[*simNode]*simNode{a: b, b: a}[n]
					if got := n.texts(other); !slices.Equal(got, want) {
						t.Errorf("%s shows %q, want %q", n.name, got, want)
					}
				}
			})
		})
	}
}
