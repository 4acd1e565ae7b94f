package integration

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"quicnprotochat/node/localapi"
)

// latest is how long (virtual time) a message may be on its way while the direct
// path comes and goes: a dead link is waited for 250 ms by the sender and again by
// the one who sends the receipt, of which not more than one goes in 2 s.
const latest = 3 * time.Second

// TestDirectPathComesAndGoes: two nodes behind firewalls write to each other all
// the time. At first no packet passes between them, and yet the first message, to
// somebody just added, is there and receipted within a second; then they can punch; then
// packets are lost again, and pass again. No message is lost, shown twice or out of
// order, or late, and the traffic takes the direct path when there is one.
func TestDirectPathComesAndGoes(t *testing.T) {
	simulate(t, func(w *world) {
		r := w.relay()
		w.net.Wall("1.0.0.2")
		w.net.Wall("1.0.0.3")
		a, b := w.node("alice", r.url()), w.node("bob", r.url())
		a.settled()
		b.settled()
		time.Sleep(time.Second)
		w.net.Cut(a.ip, b.ip, true)
		a.add(b)
		a.await(a.send(b, "hello"), localapi.Delivered, time.Second)
		time.Sleep(time.Second)
		b.await(b.send(a, "hello too"), localapi.Delivered, 15*time.Second)

		talk := &conversation{w: w, a: a, b: b}
		talk.run(10 * time.Second)
		talk.wantPath("with no way between them", localapi.PathMailbox)
		w.net.Cut(a.ip, b.ip, false)
		// The first attempts at punching failed: the next is due after a minute.
		talk.run(90 * time.Second)
		talk.wantPath("when they can punch", localapi.PathPunched, localapi.PathDirect)
		w.net.Cut(a.ip, b.ip, true)
		talk.run(30 * time.Second)
		talk.wantPath("when the link is dead", localapi.PathMailbox)
		w.net.Cut(a.ip, b.ip, false)
		talk.run(90 * time.Second)
		talk.wantPath("when the way is open again", localapi.PathPunched, localapi.PathDirect)
		talk.check()
	})
}

// TestBorrowedRelay: alice, who has no relay, or whose only one is gone, may be called for
// punching at that of bob. He comes back, calls her there, and each gets through the
// other's firewall.
func TestBorrowedRelay(t *testing.T) {
	for name, gone := range map[string]bool{"she has none": false, "hers is gone": true} {
		t.Run(name, func(t *testing.T) {
			simulate(t, func(w *world) {
				his, hers := w.relay(), w.relay()
				b := w.node("bob", his.url())
				var relays []string
				if gone {
					relays = []string{hers.url()}
				}
				a := w.node("alice", relays...)
				w.net.Wall(a.ip)
				w.net.Wall(b.ip)
				a.settled()
				b.settled()
				a.add(b)
				a.await(a.send(b, "hello"), localapi.Delivered, time.Minute)
				hers.halt()
				time.Sleep(time.Minute)
				b.halt()
				w.net.Wall(a.ip) // which forgets whom they have sent to
				time.Sleep(time.Minute)
				b.start()
				began := time.Now()
				for b.path(a) == localapi.PathNone {
					if time.Since(began) > 30*time.Second {
						s, err := b.Status(context.Background())
						t.Fatalf("bob does not reach alice: tried %+v, %v", s.Peers, err)
					}
					time.Sleep(100 * time.Millisecond)
				}
				b.await(b.send(a, "I am back"), localapi.Direct, 10*time.Second)
			})
		})
	}
}

// TestBorrowedRelayIsThere: alice has no relay, and those of her contacts are gone but for
// one. She does not insist on two of them that do not answer, and is called at that one.
func TestBorrowedRelayIsThere(t *testing.T) {
	simulate(t, func(w *world) {
		a := w.node("alice")
		at := make(map[*simNode]*simRelay)
		var others []*simNode
		for i := range 5 {
			r := w.relay()
			n := w.node(fmt.Sprint("contact", i), r.url())
			at[n], others = r, append(others, n)
			a.meet(n, "hello")
		}
		slices.SortFunc(others, func(x, y *simNode) int { return strings.Compare(x.id, y.id) })
		last := others[len(others)-1] // who was asked after all others
		for _, n := range others {
			n.halt()
			if n != last {
				at[n].halt()
			}
		}
		at[last].halt() // so that she has no link left
		w.net.Wall(a.ip)
		w.net.Wall(last.ip)
		time.Sleep(2 * time.Minute)
		at[last].start()
		time.Sleep(5 * time.Minute)
		last.start()
		time.Sleep(30 * time.Second)
		if path := last.path(a); path == localapi.PathNone {
			t.Error("she is not reached")
		}
	})
}

// TestLostRelayIsWaitedFor: nodes whose relay starts again do not run to that of a contact,
// and when it is gone for good, they do, and not all at once.
func TestLostRelayIsWaitedFor(t *testing.T) {
	simulate(t, func(w *world) {
		home, theirs := w.relay(), w.relay()
		b := w.node("bob", theirs.url())
		b.settled()
		for i := range 8 {
			n := w.node(fmt.Sprint("node", i), home.url())
			n.settled()
			n.add(b)
			n.await(n.send(b, "hello"), localapi.Delivered, time.Minute)
		}
		b.halt()
		theirs.halt() // so that nobody has a link to it
		time.Sleep(3 * time.Minute)
		theirs.start()
		time.Sleep(5 * time.Minute)
		var mu sync.Mutex
		came := make(map[netip.Addr]time.Time)
		w.net.Tap(func(from, to netip.Addr, _ []byte) {
			mu.Lock()
			defer mu.Unlock()
			if _, known := came[from]; !known && to.String() == theirs.ip {
				came[from] = time.Now()
			}
		})
		defer w.net.Tap(nil)
		times := func() []time.Time {
			mu.Lock()
			defer mu.Unlock()
			return slices.SortedFunc(maps.Values(came), time.Time.Compare)
		}
		home.halt()
		time.Sleep(10 * time.Second)
		home.start()
		time.Sleep(2 * time.Minute)
		if all := times(); len(all) > 0 {
			t.Errorf("%d went to the relay of a contact while theirs started again", len(all))
		}
		home.halt()
		time.Sleep(3 * time.Minute)
		if all := times(); len(all) != 8 || all[7].Sub(all[0]) < time.Second {
			t.Errorf("they went there at %v, want all 8, and not at once", all)
		}
	})
}

// TestWhoMayBeCalled asks relays that lend circuits to all, to those who have an account,
// and to nobody: a node has a reservation or says why not, and what that means.
func TestWhoMayBeCalled(t *testing.T) {
	for _, c := range []struct {
		name, access string
		circuits     bool
		want         bool
	}{
		{"anybody", "open", true, true},
		{"those with an account", "account", true, false},
		{"nobody", "open", false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			simulate(t, func(w *world) {
				r := w.relayFor(c.access)
				r.halt()
				r.noCircuits = !c.circuits
				r.start()
				a := w.node("alice", r.url())
				time.Sleep(10 * time.Second)
				n, err := a.Netcheck(context.Background())
				must(t, err)
				if len(n.Relays) != 1 || !n.Relays[0].Reached || n.Relays[0].Reserved != c.want || (n.Relays[0].Refused == "") != c.want {
					t.Errorf("got %+v, want a reservation: %v", n.Relays, c.want)
				}
				said := strings.Contains(strings.Join(n.Advice, " "), "does not help others to connect straight to this machine")
				if said == c.want {
					t.Errorf("got the advice %q", n.Advice)
				}
			})
		})
	}
}

// conversation is two who write to each other twice a second.
type conversation struct {
	w    *world
	a, b *simNode
	sent []sentText
}

type sentText struct {
	from *simNode
	id   string
	text string
	at   time.Time
}

// run goes on for a while, and wants each message delivered in time.
func (c *conversation) run(d time.Duration) {
	c.w.t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(500 * time.Millisecond) {
		for from, to := range map[*simNode]*simNode{c.a: c.b, c.b: c.a} {
			text := fmt.Sprintf("%s %d", from.name, len(c.sent))
			c.sent = append(c.sent, sentText{from, from.send(to, text), text, time.Now()})
		}
		for _, m := range c.sent[max(0, len(c.sent)-20):] {
			if age := time.Since(m.at); age >= latest && age < latest+time.Second {
				c.w.t.Helper()
				if state := m.from.look(m.id); !state.State.Reaches(localapi.Delivered) {
					c.w.t.Errorf("%q is %s after %v: %s", m.text, state.State, age, state.Why)
				}
			}
		}
	}
	time.Sleep(latest)
}

// wantPath wants the last message of each to have taken one of the paths.
func (c *conversation) wantPath(when string, paths ...localapi.Path) {
	c.w.t.Helper()
	for _, m := range c.sent[len(c.sent)-2:] {
		if d := m.from.look(m.id); !slices.Contains(paths, d.Path) {
			c.w.t.Errorf("%s, %q took the path %s (%s), want %v", when, m.text, d.Path, d.Why, paths)
		}
	}
}

// check wants each message shown once on both sides, those of one person in the
// order sent.
func (c *conversation) check() {
	c.w.t.Helper()
	for from, to := range map[*simNode]*simNode{c.a: c.b, c.b: c.a} {
		var want []string
		for _, m := range c.sent {
			if m.from == from {
				want = append(want, m.text)
			}
		}
		for _, at := range []*simNode{from, to} {
			other := map[*simNode]*simNode{c.a: c.b, c.b: c.a}[at]
			got := slices.DeleteFunc(at.texts(other), func(s string) bool {
				return len(s) <= len(from.name) || s[:len(from.name)+1] != from.name+" "
			})
			if !slices.Equal(got, want) {
				c.w.t.Errorf("%s shows %d messages of %s, want %d, each once and in order", at.name, len(got), from.name, len(want))
			}
		}
	}
}
