package integration

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"quicnprotochat/node/localapi"
)

// part cuts all ways between two sides.
func (w *world) part(cut bool, one, other []*simNode) {
	for _, a := range one {
		for _, b := range other {
			w.net.Cut(a.ip, b.ip, cut)
		}
	}
}

// four are members of a group, of whom alice and bob are admins in that order.
func four(w *world, relays ...string) (a, b, c, d *simNode) {
	a, b, c, d = w.node("alice", relays...), w.node("bob", relays...), w.node("carol", relays...), w.node("dave", relays...)
	knowEachOther(a, b, c, d)
	a.group("friends", b, c, d)
	a.change("friends", localapi.GroupPromote, b)
	admins(w, "friends", 2, a, b, c, d)
	return a, b, c, d
}

// admins waits until all nodes see so many admins.
func admins(w *world, group string, want int, nodes ...*simNode) {
	w.t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		ok := true
		for _, n := range nodes {
			info, err := n.Group(context.Background(), group)
			ok = ok && err == nil && len(info.Admins) == want
		}
		if ok {
			return
		}
		if time.Now().After(end) {
			for _, n := range nodes {
				w.t.Errorf("%s: %s", n.name, n.state(group))
			}
			w.t.Fatalf("want %d admins", want)
		}
	}
}

// id is the id of a group, which stays when its name changes.
func (n *simNode) groupID(name string) string {
	n.w.t.Helper()
	info, err := n.Group(context.Background(), name)
	if err != nil {
		n.w.t.Fatal(err)
	}
	return info.ID
}

// heard waits until all nodes show the same texts of a group, each once, in one
// order, among them all of want.
func heard(w *world, most time.Duration, group string, want []string, nodes ...*simNode) {
	w.t.Helper()
	for end := time.Now().Add(most); ; time.Sleep(time.Second) {
		ok := true
		for _, n := range nodes {
			got := n.said(group)
			ok = ok && slices.Equal(got, nodes[0].said(group)) && len(got) == len(want)
			for _, text := range want {
				ok = ok && slices.Contains(got, text)
			}
		}
		if ok {
			return
		}
		if time.Now().After(end) {
			for _, n := range nodes {
				w.t.Errorf("%s shows %q", n.name, n.said(group))
			}
			w.t.Fatalf("want %q everywhere", want)
		}
	}
}

// TestTwoCommitsAtOnce lets two admins who do not see each other commit in one
// epoch, each followed by half of the others, with messages on both sides. When
// they see each other again, all are in one epoch with both changes, and all
// messages are shown once, in one order.
func TestTwoCommitsAtOnce(t *testing.T) {
	for _, withRelay := range []bool{false, true} {
		t.Run(fmt.Sprintf("relay=%v", withRelay), func(t *testing.T) {
			simulate(t, func(w *world) {
				var relays []string
				var r *simRelay
				if withRelay {
					r = w.relay()
					relays = append(relays, r.url())
				}
				a, b, c, d := four(w, relays...)
				e, f := w.node("erin", relays...), w.node("frank", relays...)
				a.add(e)
				b.add(f)
				id := a.groupID("friends")
				left, right := []*simNode{a, c, e}, []*simNode{b, d, f}
				w.part(true, left, right)
				if r != nil { // the relay serves one side only
					for _, n := range right {
						w.net.Cut(n.ip, r.ip, true)
					}
				}
				a.change(id, localapi.GroupInvite, e)
				b.change(id, localapi.GroupInvite, f)
				b.rename(id, "friends of bob")
				time.Sleep(20 * time.Second)
				c.say(id, "left")
				d.say(id, "right")
				time.Sleep(20 * time.Second)
				w.part(false, left, right)
				if r != nil {
					for _, n := range right {
						w.net.Cut(n.ip, r.ip, false)
					}
				}
				agree(w, 20*time.Minute, id, a, b, c, d, e, f)
				heard(w, 20*time.Minute, id, []string{"left", "right"}, a, b, c, d)
				id2 := f.say(id, "all")
				f.await(id2, localapi.Delivered, 10*time.Minute)
			})
		})
	}
}

// TestCommitAgainstLeave: one member leaves while another is removed, and a third
// invites, all at once.
func TestCommitAgainstLeave(t *testing.T) {
	simulate(t, func(w *world) {
		a, b, c, d := four(w)
		e := w.node("erin")
		b.add(e)
		id := a.groupID("friends")
		a.change(id, localapi.GroupRemove, d)
		b.change(id, localapi.GroupInvite, e)
		c.change(id, localapi.GroupLeave)
		agree(w, 10*time.Minute, id, a, b, e)
		e.await(e.say(id, "here I am"), localapi.Delivered, time.Minute)
		if got := d.state(id); got[:7] != "removed" {
			t.Errorf("dave: %s", got)
		}
	})
}

// TestLeaveLosingBranch: somebody leaves just after a commit of its own that loses,
// so that what it said of leaving is of a branch where nobody is.
func TestLeaveLosingBranch(t *testing.T) {
	simulate(t, func(w *world) {
		a, b, c, d := four(w)
		id := a.groupID("friends")
		all, alone := []*simNode{a, c, d}, []*simNode{b}
		w.part(true, all, alone)
		b.rename(id, "of bob")
		time.Sleep(time.Second)
		b.change(id, localapi.GroupLeave)
		a.rename(id, "of alice")
		time.Sleep(11 * time.Second)
		w.part(false, all, alone)
		agree(w, 5*time.Minute, id, a, c, d)
	})
}

// TestInviterGone: an admin invites somebody while the other admin, who is senior, is cut
// off and commits as well, and the first one is gone for good when the two sides see each
// other again. The other admin, whom the invited one has never met, brings it in again.
func TestInviterGone(t *testing.T) {
	simulate(t, func(w *world) {
		r := w.relay()
		a, b, c, d := four(w, r.url())
		e := w.node("erin", r.url())
		b.add(e)
		id := a.groupID("friends")
		alone, others := []*simNode{a}, []*simNode{b, c, d, e}
		w.part(true, alone, others)
		w.net.Cut(a.ip, r.ip, true)
		a.rename(id, "friends of alice")
		b.change(id, localapi.GroupInvite, e)
		agreeOf(w, time.Minute, id, 5, b, c, d, e)
		time.Sleep(30 * time.Second) // the relay has it for alice
		b.halt()
		w.part(false, alone, others)
		w.net.Cut(a.ip, r.ip, false)
		agreeOf(w, 10*time.Minute, id, 5, a, c, d, e)
		e.say(id, "here I am")
		heard(w, 5*time.Minute, id, []string{"here I am"}, a, c, d, e)
	})
}

// TestRandomGroup does what users do at random, with cuts between them and
// restarts, and then lets the network be quiet.
func TestRandomGroup(t *testing.T) {
	seeds := uint64(6)
	if testing.Short() {
		seeds = 2
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			simulate(t, func(w *world) { randomGroup(w, seed) })
		})
	}
}

func randomGroup(w *world, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 7))
	a, b, c, d := four(w)
	all := []*simNode{a, b, c, d}
	id := a.groupID("friends")
	var want []string
	for step := range 25 {
		n := all[rng.IntN(4)]
		switch rng.IntN(6) {
		case 0, 1:
			text := fmt.Sprintf("%s %d", n.name, step)
			n.say(id, text)
			want = append(want, text)
		case 2:
			i, j := rng.IntN(4), rng.IntN(4)
			if i != j {
				w.net.Cut(all[i].ip, all[j].ip, rng.IntN(2) == 0)
			}
		case 3:
			all[rng.IntN(2)].rename(id, fmt.Sprintf("friends %d", step))
		case 4:
			n.change(id, localapi.GroupUpdate)
		case 5:
			n.halt()
			time.Sleep(time.Duration(rng.IntN(3000)) * time.Millisecond)
			n.start()
		}
		time.Sleep(time.Duration(rng.IntN(4000)) * time.Millisecond)
	}
	for i := range all {
		for j := range i {
			w.net.Cut(all[i].ip, all[j].ip, false)
		}
	}
	agree(w, 30*time.Minute, id, all...)
	heard(w, 30*time.Minute, id, want, all...)
}
