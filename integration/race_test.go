package integration

import (
	"context"
	"testing"
	"time"

	"quicnprotochat/node/localapi"
)

// TestNewLinkIsTaken: bob's machine is gone without a word, is back at another address
// and calls alice, who does not know yet that the old connection is dead. What waits
// there, and what is sent then, goes over the new one at once.
func TestNewLinkIsTaken(t *testing.T) {
	for _, c := range []struct {
		name string
		wait bool
	}{{"of what waits", true}, {"of what is sent then", false}} {
		t.Run(c.name, func(t *testing.T) {
			simulate(t, func(w *world) {
				a, b := w.node("alice"), w.node("bob")
				a.add(b)
				a.await(a.send(b, "one"), localapi.Delivered, 10*time.Second)
				w.net.Down(b.ip, true)
				b.halt()
				id := ""
				if c.wait {
					id = a.send(b, "two")
				}
				time.Sleep(500 * time.Millisecond)
				b.ip = w.ip()
				b.start()
				p, err := b.Ping(context.Background(), "alice")
				must(t, err)
				if !p.Reached {
					t.Fatalf("bob does not reach alice: %+v", p)
				}
				if !c.wait {
					id = a.send(b, "two")
				}
				// That the old one is dead is known after 3 s.
				a.await(id, localapi.Delivered, time.Second)
				b.wantTexts(a, "one", "two")
			})
		})
	}
}

// TestTriedBesideRelay: bob's machine did not answer lately, so what is for him goes to
// his relay at once; and yet his machine is tried again, and has it soon, for it can be
// reached by then, while he cannot reach the relay.
func TestTriedBesideRelay(t *testing.T) {
	simulate(t, func(w *world) {
		r := w.relay()
		a, b := w.node("alice", r.url()), w.node("bob", r.url())
		a.meet(b, "one")
		time.Sleep(10 * time.Second)
		w.net.Cut(a.ip, b.ip, true)
		w.net.Cut(b.ip, r.ip, true)
		early := a.send(b, "two")
		a.await(early, localapi.Stored, time.Second)
		a.lost(b, 4*time.Second)
		time.Sleep(10 * time.Second)
		w.net.Cut(a.ip, b.ip, false)
		began := time.Now()
		id := a.send(b, "three")
		a.await(id, localapi.Stored, time.Second)
		if took := time.Since(began); took > 100*time.Millisecond {
			t.Errorf("stored after %v, want within 100 ms", took)
		}
		a.await(id, localapi.Delivered, 5*time.Second)
		a.await(early, localapi.Delivered, 5*time.Second)
		if got, want := b.texts(a), []string{"one", "two", "three"}; !sameTexts(got, want) {
			t.Errorf("bob shows %q, want %q", got, want)
		}
	})
}

// TestCopyIsTold: a second relay takes what one has already. The message stays where it
// was, and that there is a copy can be asked for, also after a restart.
func TestCopyIsTold(t *testing.T) {
	simulate(t, func(w *world) {
		near, far := w.relay(), w.relay()
		a, b := w.node("alice"), w.node("bob", near.url(), far.url())
		a.meet(b, "one")
		w.net.Delay(a.ip, far.ip, 100*time.Millisecond)
		b.halt()
		time.Sleep(time.Minute)
		id := a.send(b, "two")
		a.await(id, localapi.Stored, time.Second)
		time.Sleep(10 * time.Second)
		a.halt()
		a.start()
		x := a.why(id)
		kept := make(map[string]bool)
		for _, try := range x.To[0].Tries {
			kept[try.Relay] = kept[try.Relay] || try.OK
		}
		if x.Relay != near.URL().Key.String() || !kept[near.URL().Key.String()] || !kept[far.URL().Key.String()] {
			t.Errorf("got %+v, want a message at %s with a copy at %s", x, near.url(), far.url())
		}
	})
}

// look returns what is known of a message.
func (n *simNode) look(id string) localapi.Delivery {
	ctx, cancel := context.WithCancel(n.w.t.Context())
	cancel()
	d, _ := n.Await(ctx, id, localapi.Delivered) // the context ended: it says what is
	return d
}

// TestLostRelayIsBack: while bob's machine is called in vain, the connection to the relay
// is lost, and made again. What waits is brought there then, and not only when it is clear
// that nobody answers the call.
func TestLostRelayIsBack(t *testing.T) {
	simulate(t, func(w *world) {
		r := w.relay()
		a, b := w.node("alice", r.url()), w.node("bob", r.url())
		a.meet(b, "one")
		a.settled()
		b.halt()
		w.net.Down(b.ip, true)
		time.Sleep(10 * time.Minute)
		w.net.Cut(a.ip, r.ip, true)
		id := a.send(b, "two")
		time.Sleep(3500 * time.Millisecond) // it is known after 3 s, and a call lasts 5 s
		w.net.Cut(a.ip, r.ip, false)
		_, err := a.Netcheck(context.Background())
		must(t, err)
		a.await(id, localapi.Stored, time.Second)
	})
}
