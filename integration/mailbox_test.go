package integration

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"quicnprotochat/node/localapi"
)

// TestMailbox sends to somebody who is away: the relay keeps it, and it is there
// when they are back, though the sender has gone meanwhile.
func TestMailbox(t *testing.T) {
	simulate(t, func(w *world) {
		r := w.relay()
		a, b := w.node("alice", r.url()), w.node("bob", r.url())
		a.meet(b, "one")
		b.halt()
		time.Sleep(time.Minute)
		id := a.send(b, "two")
		d := a.await(id, localapi.Stored, time.Second)
		if d.State != localapi.Stored || d.Path != localapi.PathMailbox || d.Relay != r.URL().Key.String() {
			w.t.Errorf("got %+v, want stored at the relay", d)
		}
		a.halt()
		time.Sleep(time.Hour)
		b.start()
		time.Sleep(10 * time.Second)
		b.wantTexts(a, "one", "two")
		a.start()
		a.await(id, localapi.Delivered, 10*time.Second)
	})
}

// TestFirstMessageAway starts a conversation with somebody who is away: the
// keys come from the relay, and everything waits there.
func TestFirstMessageAway(t *testing.T) {
	simulate(t, func(w *world) {
		r := w.relay()
		a, b := w.node("alice", r.url()), w.node("bob", r.url())
		b.settled()
		time.Sleep(time.Second)
		invite, err := b.Invite(w.t.Context())
		if err != nil {
			w.t.Fatal(err)
		}
		b.halt()
		if _, err := a.AddContact(w.t.Context(), invite.Link, ""); err != nil {
			w.t.Fatal(err)
		}
		id := a.send(b, "are you there?")
		a.await(id, localapi.Stored, 15*time.Second)
		b.start()
		a.await(id, localapi.Delivered, 15*time.Second)
		b.wantTexts(a, "are you there?")
	})
}

// TestNoWay cuts the two from each other, but not from the relay: each message
// is stored within the hedge and a round trip, and arrives.
func TestNoWay(t *testing.T) {
	simulate(t, func(w *world) {
		r := w.relay()
		a, b := w.node("alice", r.url()), w.node("bob", r.url())
		a.settled()
		b.settled()
		time.Sleep(time.Second)
		w.net.Cut(a.ip, b.ip, true)
		a.add(b)
		for _, text := range []string{"one", "two", "three"} {
			id := a.send(b, text)
			a.await(id, localapi.Stored, 15*time.Second)
			a.await(id, localapi.Delivered, 15*time.Second)
		}
		time.Sleep(15 * time.Second) // no dial is under way any more
		began := time.Now()
		id := a.send(b, "four")
		a.await(id, localapi.Stored, time.Second)
		// That the last dial failed is remembered: nothing waits for the hedge.
		if took := time.Since(began); took > 100*time.Millisecond {
			w.t.Errorf("stored after %v, want within 100 ms", took)
		}
		a.await(id, localapi.Delivered, 15*time.Second)
		b.wantTexts(a, "one", "two", "three", "four")
		// When they see each other again, the traffic moves to the direct path.
		w.net.Cut(a.ip, b.ip, false)
		time.Sleep(time.Minute)
		d := a.await(a.send(b, "five"), localapi.Delivered, 15*time.Second)
		if d.Path != localapi.PathDirect && d.Path != localapi.PathPunched {
			w.t.Errorf("path after the cut was mended: got %s (%s), want a direct one", d.Path, d.Why)
		}
	})
}

// TestSilent takes the other machine off the network without a word: the first
// message waits for the hedge, the next ones do not wait, but for one when the
// link is given up, and when the machine is back the traffic is direct again.
func TestSilent(t *testing.T) {
	simulate(t, func(w *world) {
		r := w.relay()
		a, b := w.node("alice", r.url()), w.node("bob", r.url())
		a.meet(b, "0")
		time.Sleep(10 * time.Second)
		w.net.Down(b.ip, true)
		waited := 0
		for i := range 20 {
			began := time.Now()
			a.await(a.send(b, fmt.Sprint(i+1)), localapi.Stored, time.Second)
			took := time.Since(began)
			if took > 300*time.Millisecond {
				w.t.Errorf("message %d stored after %v, want at most 300 ms", i, took)
			}
			if took > 100*time.Millisecond {
				waited++
			}
			time.Sleep(150 * time.Millisecond)
		}
		if waited > 2 {
			w.t.Errorf("%d messages waited for the hedge, want at most 2", waited)
		}
		w.net.Down(b.ip, false)
		time.Sleep(3 * time.Minute)
		if d := a.await(a.send(b, "back"), localapi.Delivered, 10*time.Second); d.Path != localapi.PathDirect {
			w.t.Errorf("path when the machine is back: got %s (%s), want direct", d.Path, d.Why)
		}
		if got := b.texts(a); len(got) != 22 {
			w.t.Errorf("bob shows %d messages, want 22", len(got))
		}
	})
}

// TestSlow puts a second between the two and none to the relay: the relay is
// asked within the hedge, nothing is shown twice, and all is receipted. When the
// way is short again, the traffic goes straight.
func TestSlow(t *testing.T) {
	simulate(t, func(w *world) {
		r := w.relay()
		a, b := w.node("alice", r.url()), w.node("bob", r.url())
		a.meet(b, "0")
		w.net.Delay(a.ip, b.ip, time.Second)
		want := []string{"0"}
		for i := range 10 {
			began, text := time.Now(), fmt.Sprint(i+1)
			id := a.send(b, text)
			want = append(want, text)
			if a.await(id, localapi.Stored, time.Second); time.Since(began) > 300*time.Millisecond {
				w.t.Errorf("message %s stored after %v, want within 300 ms", text, time.Since(began))
			}
			a.await(id, localapi.Delivered, time.Minute)
			time.Sleep(time.Second)
		}
		w.net.Delay(a.ip, b.ip, 0)
		time.Sleep(time.Minute)
		want = append(want, "fast")
		if d := a.await(a.send(b, "fast"), localapi.Delivered, 10*time.Second); d.Path != localapi.PathDirect {
			w.t.Errorf("path without the delay: got %s (%s), want direct", d.Path, d.Why)
		}
		if got := b.texts(a); !slices.Equal(got, want) {
			w.t.Errorf("bob shows %q, want %q", got, want)
		}
	})
}
