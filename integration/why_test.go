package integration

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"quicnprotochat/node/localapi"
)

// why asks a node about a message.
func (n *simNode) why(id string) localapi.Explanation {
	n.w.t.Helper()
	x, err := n.Why(context.Background(), id)
	if err != nil {
		n.w.t.Fatal(err)
	}
	return x
}

// tried finds, among what was tried for a message to somebody, what was tried on a
// way and whether it did what it was for.
func tried(x localapi.Explanation, to *simNode, way string, ok bool) *localapi.Try {
	for _, r := range x.To {
		i := slices.IndexFunc(r.Tries, func(t localapi.Try) bool { return t.Way == way && t.OK == ok })
		if r.Identity == to.id && i >= 0 {
			return &r.Tries[i]
		}
	}
	return nil
}

// TestWhy asks why messages are where they are: straight, kept by a relay, kept by
// nobody, and in a group for each member; also after a restart.
func TestWhy(t *testing.T) {
	simulate(t, func(w *world) {
		r := w.relay()
		a, b, c := w.node("anna"), w.node("bob", r.url()), w.node("carl")
		a.add(b)
		a.add(c)
		id := a.send(b, "hello")
		a.await(id, localapi.Delivered, time.Minute)
		if x := a.why(id); tried(x, b, "machine", true) == nil && tried(x, b, "relay", true) == nil || tried(x, b, "receipt", true) == nil {
			t.Errorf("got %+v of a message that was delivered", x)
		}
		if x := b.why(id); x.State != localapi.Received || x.Why == "" || len(x.To) != 0 {
			t.Errorf("got %+v of a message that came in", x)
		}
		a.await(a.send(c, "hello"), localapi.Delivered, time.Minute)
		a.group("friends", b, c)
		b.halt()
		c.halt()
		kept := a.send(b, "kept")
		a.await(kept, localapi.Stored, time.Minute)
		if x := a.why(kept); tried(x, b, "machine", false) == nil || tried(x, b, "relay", true) == nil {
			t.Errorf("got %+v of a message that a relay keeps", x)
		}
		alone := a.send(c, "alone")
		both := a.say("friends", "both")
		time.Sleep(1500 * time.Millisecond)
		x := a.why(alone)
		if !strings.HasPrefix(x.Why, "waiting: ") {
			t.Errorf("after a second the reason is %q", x.Why)
		}
		time.Sleep(3 * time.Minute)
		x = a.why(alone)
		if try := tried(x, c, "machine", false); try == nil || try.Times < 2 || x.To[0].Next == nil {
			t.Errorf("got %+v of a message that nobody has", x)
		}
		x = a.why(both)
		if len(x.To) != 2 || tried(x, b, "relay", true) == nil || tried(x, c, "machine", false) == nil {
			t.Errorf("got %+v of a message to a group", x)
		}
		a.halt()
		a.start()
		if x := a.why(kept); tried(x, b, "relay", true) == nil {
			t.Errorf("got %+v after a restart", x)
		}
	})
}

// TestPing calls somebody who is there, and somebody who is away.
func TestPing(t *testing.T) {
	simulate(t, func(w *world) {
		r := w.relay()
		a, b := w.node("anna"), w.node("bob", r.url())
		a.add(b)
		a.await(a.send(b, "hello"), localapi.Delivered, time.Minute)
		p, err := a.Ping(context.Background(), "bob")
		must(t, err)
		rtt, err := time.ParseDuration(p.RTT)
		must(t, err)
		if !p.Reached || p.Path != localapi.PathDirect || rtt < 20*time.Millisecond || rtt > 40*time.Millisecond || len(p.Relays) != 1 || !p.Relays[0].Reached {
			t.Errorf("got %+v, want an answer in 20 ms", p)
		}
		w.net.Down(b.ip, true)
		p, err = a.Ping(context.Background(), "bob")
		must(t, err)
		if p.Reached || p.Error == "" || len(p.Tried) == 0 || p.RTT != "" || p.Why == "" {
			t.Errorf("got %+v of a machine that is cut off", p)
		}
	})
}
