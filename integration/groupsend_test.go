package integration

import (
	"testing"
	"time"

	"quicnprotochat/node/localapi"
)

// TestOneMessageForAll counts what a message to a group costs: it goes straight to
// who is there, and in one call to each relay of those who are away, to two relays
// here, each of three members.
func TestOneMessageForAll(t *testing.T) {
	simulate(t, func(w *world) {
		var relays [2]*simRelay
		for i := range relays {
			relays[i] = w.relay()
		}
		a, b := w.node("alice", relays[0].url()), w.node("bob", relays[0].url())
		all, away := []*simNode{a, b}, [2][]*simNode{}
		for i, name := range []string{"carol", "dave", "erin", "frank", "grace", "heidi"} {
			n := w.node(name, relays[i%2].url())
			away[i%2], all = append(away[i%2], n), append(all, n)
		}
		for _, n := range all {
			n.settled()
		}
		knowEachOther(all...)
		a.group("friends", all[1:]...)
		time.Sleep(5 * time.Minute) // what is owed is given
		for _, side := range away {
			for _, n := range side {
				n.halt()
			}
		}
		time.Sleep(time.Minute)
		for _, r := range relays {
			r.met.count()
		}
		id := a.say("friends", "to all")
		a.await(id, localapi.Stored, time.Minute)
		time.Sleep(10 * time.Second)
		for i, r := range relays {
			n := r.met.count()
			if n["batchEnqueue"] != 1 || n["enqueue"] > 0 {
				t.Errorf("relay %d: got %d batchEnqueue and %d enqueue, want 1 and none", i, n["batchEnqueue"], n["enqueue"])
			}
		}
		if got := b.said("friends"); len(got) != 1 {
			t.Errorf("bob shows %q", got)
		}
		for _, side := range away {
			for _, n := range side {
				n.start()
			}
		}
		a.await(id, localapi.Delivered, 5*time.Minute)
		heard(w, time.Minute, "friends", []string{"to all"}, all...)
	})
}
