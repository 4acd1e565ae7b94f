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

// path is how a node is connected to another one.
func (n *simNode) path(to *simNode) localapi.Path {
	n.w.t.Helper()
	s, err := n.Status(context.Background())
	must(n.w.t, err)
	for _, p := range s.Peers {
		if p.Identity == to.id {
			return p.Path
		}
	}
	n.w.t.Fatalf("%s does not know %s", n.name, to.name)
	return ""
}

// lost waits until a node is no longer connected to another, and returns how long
// it took.
func (n *simNode) lost(to *simNode, most time.Duration) time.Duration {
	n.w.t.Helper()
	began := time.Now()
	for n.path(to) != localapi.PathNone {
		if time.Since(began) > most {
			n.w.t.Fatalf("%s takes %s for connected after %v", n.name, to.name, most)
		}
		time.Sleep(50 * time.Millisecond)
	}
	return time.Since(began)
}

// TestDeadIsNoticed takes a machine off the network: who sends knows within 3 s, who
// has just chatted within 15 s, anybody else within a minute; and the next message
// after it is back arrives at once.
func TestDeadIsNoticed(t *testing.T) {
	for _, c := range []struct {
		name  string
		quiet time.Duration // since the last message
		send  bool
		most  time.Duration
	}{
		{"sending", 10 * time.Minute, true, 3 * time.Second},
		{"chatting", time.Minute, false, 15 * time.Second},
		{"quiet", 10 * time.Minute, false, time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			simulate(t, func(w *world) {
				r := w.relay()
				a, b := w.node("anna", r.url()), w.node("bob", r.url())
				a.add(b)
				a.await(a.send(b, "hello"), localapi.Delivered, time.Minute)
				time.Sleep(c.quiet)
				if p := a.path(b); p != localapi.PathDirect {
					t.Fatalf("path after %v: got %s, want direct", c.quiet, p)
				}
				w.net.Down(b.ip, true)
				began, texts, waiting := time.Now(), []string{"hello"}, ""
				if c.send {
					waiting = a.send(b, "are you there?")
					a.await(waiting, localapi.Stored, 2*time.Second)
					texts = append(texts, "are you there?")
				}
				a.lost(b, c.most)
				if noticed := time.Since(began); noticed > c.most {
					t.Errorf("noticed after %v, want %v", noticed, c.most)
				} else {
					t.Logf("noticed after %v", noticed)
				}
				w.net.Down(b.ip, false)
				if !c.send {
					b.lost(a, time.Minute)
				}
				a.await(a.send(b, "again"), localapi.Delivered, 90*time.Second)
				if c.send {
					a.await(waiting, localapi.Delivered, 90*time.Second)
				}
				if got, want := b.texts(a), append(texts, "again"); !sameTexts(got, want) {
					t.Errorf("bob was shown %q, want %q", got, want)
				}
			})
		})
	}
}

// TestDeadRelayIsNoticed cuts a sender from the relay that keeps the mail of both, with
// no reset, and lets the way be open again 5 s later: that the connection is dead was
// noticed by then, and the message is stored long before QUIC would have given it up. A
// relay that is only slow keeps its callers.
func TestDeadRelayIsNoticed(t *testing.T) {
	simulate(t, func(w *world) {
		r := w.relay()
		a, b := w.node("anna", r.url()), w.node("bob", r.url())
		a.add(b)
		a.await(a.send(b, "hello"), localapi.Delivered, time.Minute)
		b.halt()
		reached := func() bool {
			s, err := a.Status(context.Background())
			must(t, err)
			return s.Relays[0].Reached
		}
		for i, quiet := range []time.Duration{10 * time.Minute, time.Second} {
			a.settled()
			time.Sleep(quiet)
			w.net.Cut(a.ip, r.ip, true)
			began := time.Now()
			id := a.send(b, fmt.Sprint("are you there? ", i))
			for reached() && time.Since(began) < time.Minute {
				time.Sleep(10 * time.Millisecond)
			}
			noticed := time.Since(began)
			if noticed > 3*time.Second {
				t.Errorf("quiet for %v: noticed after %v", quiet, noticed)
			}
			time.Sleep(5*time.Second - noticed)
			w.net.Cut(a.ip, r.ip, false)
			a.await(id, localapi.Stored, 20*time.Second)
			t.Logf("quiet for %v: noticed after %v, stored %v after the way was open", quiet, noticed, time.Since(began)-5*time.Second)
		}
		a.settled()
		w.net.Delay(a.ip, r.ip, time.Second)
		a.await(a.send(b, "slow"), localapi.Stored, 10*time.Second)
		for range 100 {
			if time.Sleep(100 * time.Millisecond); !reached() {
				t.Fatal("a relay that is slow was given up")
			}
		}
	})
}

// TestDeadPassIsNoticed lets the connection on which mail is left with a pass die while
// the relay takes it, so that its word does not come back: that is noticed within 3 s,
// and the mail is left again, the relay not told from whom, when the way is open.
func TestDeadPassIsNoticed(t *testing.T) {
	simulate(t, func(w *world) {
		r, a, b := w.parted(true)
		cut := make(chan struct{})
		r.cut.arm(func(int, string) bool {
			select {
			case <-cut:
			default:
				w.net.Cut(a.ip, r.ip, true)
				close(cut)
			}
			return false
		})
		id := a.send(b, "three")
		<-cut
		began := time.Now()
		time.Sleep(4 * time.Second)
		try := tried(a.why(id), b, "relay", false)
		if try == nil || try.Result == "no answer yet" {
			t.Fatalf("got %+v, want a try that failed", try)
		}
		w.net.Cut(a.ip, r.ip, false)
		d := a.await(id, localapi.Stored, 10*time.Second)
		t.Logf("noticed after %s, stored %v after that the connection died", try.Took, time.Since(began))
		if !strings.Contains(d.Why, fromNobody) || r.met.has(a) {
			t.Errorf("why %q; the relay met alice: %v", d.Why, r.met.has(a))
		}
		b.start()
		a.await(id, localapi.Delivered, time.Minute)
		if got := b.texts(a); !slices.Equal(got, []string{"one", "two", "three"}) {
			t.Errorf("got %q", got)
		}
	})
}

// sameTexts compares what was shown, in any order.
func sameTexts(a, b []string) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(a, b)
}

// TestRebinding lets the NATs of both people choose new ports every 30 s, at first
// of one at a time and then of both at once, while they write, straight or through a
// relay alone: no message is lost, shown twice, or late. A connection follows to two more
// ports, for quic-go v0.64.1 uses up an ID at each and frees none: it is made anew before.
func TestRebinding(t *testing.T) {
	for name, straight := range map[string]bool{"straight": true, "by mailbox": false} {
		t.Run(name, func(t *testing.T) {
			simulate(t, func(w *world) {
				r := w.relay()
				a, b := w.node("anna", r.url()), w.node("bob", r.url())
				a.settled()
				b.settled()
				w.net.Cut(a.ip, b.ip, !straight)
				a.add(b)
				a.await(a.send(b, "hello"), localapi.Delivered, time.Minute)
				rebinding(w, a, b)
			})
		})
	}
}

// rebinding is the conversation of TestRebinding. In virtual time a message takes some
// milliseconds straight, and by mailbox the 250 ms for which a machine is waited for. A
// receipt waits for 2 s at most.
func rebinding(w *world, a, b *simNode) {
	const late = 2500 * time.Millisecond
	var toBob, toAnna []string
	slowest := time.Duration(0)
	for round := range 20 {
		if round%2 == 0 || round > 10 {
			w.net.Rebind(a.ip)
		}
		if round%2 == 1 || round > 10 {
			w.net.Rebind(b.ip)
		}
		for i, at := range []time.Duration{0, 13 * time.Second, 17 * time.Second} {
			time.Sleep(at)
			began := time.Now()
			x, y := fmt.Sprintf("to bob %d %d", round, i), fmt.Sprintf("to anna %d %d", round, i)
			idX, idY := a.send(b, x), b.send(a, y)
			a.await(idX, localapi.Delivered, 20*time.Second)
			b.await(idY, localapi.Delivered, 20*time.Second)
			slowest = max(slowest, time.Since(began))
			toBob, toAnna = append(toBob, x), append(toAnna, y)
		}
	}
	w.t.Logf("the slowest of %d messages was delivered after %v", len(toBob)+len(toAnna), slowest)
	if slowest > late {
		w.t.Errorf("a message was delivered after %v", slowest)
	}
	want := slices.Concat([]string{"hello"}, toBob, toAnna)
	for _, got := range [][]string{a.texts(b), b.texts(a)} {
		if !sameTexts(got, want) {
			w.t.Errorf("shown %d messages, want %d", len(got), len(want))
		}
	}
}

// TestSwitchInMidSend changes the address of the sender while messages are on their
// way.
func TestSwitchInMidSend(t *testing.T) {
	simulate(t, func(w *world) {
		a, b := w.node("anna"), w.node("bob")
		a.add(b)
		a.await(a.send(b, "hello"), localapi.Delivered, time.Minute)
		want := []string{"hello"}
		var ids []string
		for i := range 40 {
			text := fmt.Sprint("message ", i)
			ids, want = append(ids, a.send(b, text)), append(want, text)
			time.Sleep(3 * time.Millisecond)
			if i%10 == 5 {
				w.net.Rebind(a.ip)
			}
		}
		for _, id := range ids {
			a.await(id, localapi.Delivered, 10*time.Second)
		}
		if got := b.texts(a); !slices.Equal(got, want) {
			t.Errorf("bob was shown %d messages, want %d in order", len(got), len(want))
		}
	})
}

// TestSleep lets a machine sleep for a night, in which it is written to.
func TestSleep(t *testing.T) {
	simulate(t, func(w *world) {
		r := w.relay()
		a, b := w.node("anna", r.url()), w.node("bob", r.url())
		a.add(b)
		a.await(a.send(b, "good night"), localapi.Delivered, time.Minute)
		w.net.Down(b.ip, true)
		time.Sleep(4 * time.Hour)
		id := a.send(b, "good morning")
		a.await(id, localapi.Stored, 2*time.Second)
		time.Sleep(4 * time.Hour)
		w.net.Down(b.ip, false)
		a.await(id, localapi.Delivered, 90*time.Second)
		b.await(b.send(a, "thanks"), localapi.Delivered, 10*time.Second)
	})
}

// TestRelayComesBack restarts a relay of many nodes: all are back soon, and not all
// in one second.
func TestRelayComesBack(t *testing.T) {
	simulate(t, func(w *world) {
		r := w.relay()
		nodes := make([]*simNode, 25)
		for i := range nodes {
			nodes[i] = w.node(fmt.Sprint("node", i), r.url())
		}
		for _, n := range nodes {
			n.settled()
		}
		r.halt()
		r.start()
		back := map[int]int{}
		began := time.Now()
		for seen := map[*simNode]bool{}; len(seen) < len(nodes); time.Sleep(100 * time.Millisecond) {
			if time.Since(began) > time.Minute {
				t.Fatalf("%d of %d are back after a minute", len(seen), len(nodes))
			}
			for _, n := range nodes {
				s, err := n.Status(context.Background())
				must(t, err)
				if !seen[n] && s.Relays[0].Reached {
					seen[n] = true
					back[int(time.Since(began)/time.Second)]++
				}
			}
		}
		t.Logf("%d nodes were back after %v, by second: %v", len(nodes), time.Since(began), back)
		for s, n := range back {
			if n > len(nodes)*2/3 {
				t.Errorf("%d of %d nodes came back in second %d", n, len(nodes), s)
			}
		}
	})
}

// TestRelayIsSeen: a home relay that was away for long is visited as soon as anything
// else reaches it: here netcheck. Mail that waits there need not wait for the next try.
func TestRelayIsSeen(t *testing.T) {
	simulate(t, func(w *world) {
		r := w.relay()
		a, b := w.node("alice", r.url()), w.node("bob", r.url())
		a.meet(b, "hello")
		b.settled()
		w.net.Cut(b.ip, r.ip, true)
		w.net.Cut(b.ip, a.ip, true)
		time.Sleep(10 * time.Minute) // the tries of the relay are a minute apart now, at most
		id := a.send(b, "kept")
		a.await(id, localapi.Stored, 10*time.Second)
		s, err := b.Status(context.Background())
		must(t, err)
		if s.Relays[0].Reached {
			t.Fatal("bob reaches the relay")
		}
		w.net.Cut(b.ip, r.ip, false)
		began := time.Now()
		for reached := false; !reached; { // a dial that began before may fail yet
			n, err := b.Netcheck(context.Background())
			must(t, err)
			reached = n.Relays[0].Reached
		}
		a.await(id, localapi.Delivered, 10*time.Second)
		t.Logf("there %v after the relay could be reached", time.Since(began))
	})
}

// TestQuietAtNewAddress: a quiet connection is looked after when this machine has another
// address: it may be dead. Else that would be noticed after a minute.
func TestQuietAtNewAddress(t *testing.T) {
	simulate(t, func(w *world) {
		r := w.relay()
		a, b := w.node("anna", r.url()), w.node("bob", r.url())
		a.meet(b, "hello")
		time.Sleep(10 * time.Minute)
		w.net.Rebind(a.ip)
		_, err := a.Netcheck(context.Background())
		must(t, err)
		w.net.Cut(a.ip, b.ip, true)
		t.Logf("noticed after %v", a.lost(b, 30*time.Second))
	})
}
