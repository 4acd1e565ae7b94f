package integration

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"quicnprotochat/node/localapi"
)

// sealedRelay starts a relay that takes deposits by pass, or not.
func (w *world) sealedRelay(sealed bool) *simRelay {
	r := w.relay()
	r.allow(sealed)
	return r
}

// allow starts the relay again with or without sealed senders.
func (r *simRelay) allow(sealed bool) {
	r.halt()
	r.sealed = sealed
	r.start()
}

// fromNobody says in a message's why that its relay was not told who sent it.
const fromNobody = "not told from whom"

// parted is a relay that takes passes, or not, and alice and bob, who wrote to each
// other before bob went away.
func (w *world) parted(sealed bool) (r *simRelay, a, b *simNode) {
	w.t.Helper()
	r = w.sealedRelay(sealed)
	a, b = w.node("alice"), w.node("bob", r.url())
	b.settled()
	time.Sleep(time.Second)
	a.add(b)
	a.await(a.send(b, "one"), localapi.Delivered, 10*time.Second)
	b.await(b.send(a, "two"), localapi.Delivered, 10*time.Second)
	b.halt()
	time.Sleep(time.Minute)
	return r, a, b
}

// TestSealedSender: alice leaves mail for bob, who is away, at his relay, which never
// meets alice; it does where it takes no passes. Bob's address is not known to alice
// when he comes back: she asks the relay, by pass as well.
func TestSealedSender(t *testing.T) {
	for name, sealed := range map[string]bool{"allowed": true, "not allowed": false} {
		t.Run(name, func(t *testing.T) {
			simulate(t, func(w *world) {
				r, a, b := w.parted(sealed)
				if r.met.has(a) {
					w.t.Error("the relay met alice while bob was there")
				}
				d := a.await(a.send(b, "three"), localapi.Stored, 20*time.Second)
				if d.Path != localapi.PathMailbox || strings.Contains(d.Why, fromNobody) != sealed {
					w.t.Errorf("got path %s, why %q", d.Path, d.Why)
				}
				b.ip = w.ip()
				b.start()
				a.await(d.ID, localapi.Delivered, time.Minute)
				a.await(a.send(b, "four"), localapi.Delivered, time.Minute)
				if got := b.texts(a); !slices.Equal(got, []string{"one", "two", "three", "four"}) {
					w.t.Errorf("got %v", got)
				}
				if r.met.has(a) == sealed {
					w.t.Errorf("the relay met alice: %v", !sealed)
				}
			})
		})
	}
}

// TestSealedSenderLater: the relay takes passes from some day on, and then no more.
func TestSealedSenderLater(t *testing.T) {
	simulate(t, func(w *world) {
		r := w.sealedRelay(false)
		a, b := w.node("alice"), w.node("bob", r.url())
		a.meet(b, "one")
		leave := func(text string, sealed bool) {
			w.t.Helper()
			b.halt()
			d := a.await(a.send(b, text), localapi.Stored, time.Minute)
			if strings.Contains(d.Why, fromNobody) != sealed {
				w.t.Errorf("%s: why %q, want sealed %v", text, d.Why, sealed)
			}
			b.start()
			a.await(d.ID, localapi.Delivered, time.Minute)
		}
		leave("two", false)
		r.allow(true)
		time.Sleep(10 * time.Minute)
		if s, err := b.Status(context.Background()); err != nil || !s.Relays[0].Sealed {
			w.t.Errorf("got %+v, %v, want a relay that takes passes", s.Relays, err)
		}
		leave("three", true)
		r.allow(false)
		leave("four", false)
		leave("five", false)
		r.allow(true)
		time.Sleep(2 * time.Hour)
		leave("six", true)
		if got := b.texts(a); len(got) != 6 {
			w.t.Errorf("got %v", got)
		}
	})
}

// TestSealedSenderWaits: while the relay is away alice waits for it, and does not tell
// it who she is when it is back.
func TestSealedSenderWaits(t *testing.T) {
	simulate(t, func(w *world) {
		r := w.sealedRelay(true)
		a, b := w.node("alice"), w.node("bob", r.url())
		b.settled()
		time.Sleep(time.Second)
		a.add(b)
		a.await(a.send(b, "one"), localapi.Delivered, 10*time.Second)
		b.halt()
		r.halt()
		id := a.send(b, "two")
		time.Sleep(10 * time.Minute)
		r.start()
		if d := a.await(id, localapi.Stored, 10*time.Minute); !strings.Contains(d.Why, fromNobody) {
			w.t.Errorf("why %q", d.Why)
		}
		if r.met.has(a) {
			w.t.Error("the relay met alice")
		}
	})
}

// linked is a relay that takes passes, bob, who is away, and alice, who has a link of
// his and has never met him.
func (w *world) linked() (r *simRelay, a, b *simNode) {
	w.t.Helper()
	r = w.sealedRelay(true)
	a, b = w.node("alice"), w.node("bob", r.url())
	b.settled()
	time.Sleep(time.Second)
	invite, err := b.Invite(context.Background())
	if err != nil {
		w.t.Fatal(err)
	}
	b.halt()
	if _, err := a.AddContact(context.Background(), invite.Link, ""); err != nil {
		w.t.Fatal(err)
	}
	return r, a, b
}

// TestSealedHello: alice, who has a link of bob and has never met him, introduces
// herself and writes to him while he is away, and his relay does not meet her.
func TestSealedHello(t *testing.T) {
	simulate(t, func(w *world) {
		r, a, b := w.linked()
		for _, text := range []string{"one", "two"} {
			if d := a.await(a.send(b, text), localapi.Stored, time.Minute); !strings.Contains(d.Why, fromNobody) {
				t.Errorf("%s: why %q", text, d.Why)
			}
		}
		b.start()
		b.shows(a, time.Minute, "one", "two")
		if r.met.has(a) {
			t.Error("the relay met alice")
		}
	})
}

// TestSealedHelloBusy: a link is good for a few messages by pass; those beyond are
// left all the same.
func TestSealedHelloBusy(t *testing.T) {
	simulate(t, func(w *world) {
		_, a, b := w.linked()
		var want []string
		for i := range 30 {
			want = append(want, fmt.Sprint("message ", i))
			a.await(a.send(b, want[i]), localapi.Stored, time.Minute)
		}
		b.start()
		b.shows(a, time.Minute, want...)
	})
}

// TestNewRelayIsNotAsked: alice has a new relay, which is slow. While she does not know
// whether it takes passes, and when she knows that it does, it is not asked for a circuit to
// bob, so that it does not learn whom she writes to; one that takes none is.
func TestNewRelayIsNotAsked(t *testing.T) {
	for name, sealed := range map[string]bool{"takes passes": true, "takes none": false} {
		t.Run(name, func(t *testing.T) {
			simulate(t, func(w *world) {
				own := w.sealedRelay(sealed)
				a, b := w.node("alice"), w.node("bob")
				a.meet(b, "hello")
				b.halt()
				a.halt()
				w.net.Delay(a.ip, own.ip, 500*time.Millisecond)
				a.relays = []string{own.url()}
				a.start()
				a.send(b, "are you there?")
				asked := false
				for end := time.Now().Add(10 * time.Minute); time.Now().Before(end) && !asked; time.Sleep(time.Second) {
					s, err := a.Status(context.Background())
					must(t, err)
					asked = strings.Contains(fmt.Sprintf("%+v", s.Peers), own.URL().Key.String()+"/p2p-circuit")
				}
				if asked == sealed {
					t.Errorf("it was asked for a circuit: %v", asked)
				}
			})
		})
	}
}
