package integration

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"quicnprotochat/node/localapi"
	"quicnprotochat/node/store"
	"quicnprotochat/relay"
	relaystore "quicnprotochat/relay/store"
	"quicnprotochat/rpc"
	"quicnprotochat/transport"
)

// stockOf counts the key packages for one use that a relay holds of a node. The relay
// must be stopped.
func (r *simRelay) stockOf(n *simNode) int {
	r.w.t.Helper()
	s, err := relaystore.Open(relaystore.Config{Path: filepath.Join(r.dir, relay.StoreFile)})
	must(r.w.t, err)
	defer s.Close()
	key, err := transport.ParseKey(n.id)
	must(r.w.t, err)
	h, err := s.TakeKeyPackage(context.Background(), rpc.Identity(key), false)
	must(r.w.t, err)
	return h.Left
}

// used is the key packages that a node has kept of a Welcome to a group. The node must
// be stopped.
func (n *simNode) used() (all []store.KeyPackage) {
	n.w.t.Helper()
	s, err := store.Open(store.Config{Dir: n.dir})
	must(n.w.t, err)
	defer s.Close()
	must(n.w.t, s.View(context.Background(), func(tx *store.Tx) error {
		all, err = tx.KeyPackages(transport.Key{})
		return err
	}))
	return all
}

// TestPendingMember invites somebody who is down: the Welcome for a key package of
// its relay waits there. It is killed between taking the Welcome and joining, and
// joins after a restart with the private key that it kept. The relay's stock is full
// again.
func TestPendingMember(t *testing.T) {
	for _, step := range []string{before, after} {
		t.Run(step, func(t *testing.T) {
			simulate(t, func(w *world) {
				r := w.relay()
				a, b, c := w.node("alice", r.url()), w.node("bob", r.url()), w.node("carol", r.url())
				for _, n := range []*simNode{a, b, c} {
					n.settled()
				}
				knowEachOther(a, b, c)
				time.Sleep(time.Minute)
				b.halt()
				if _, err := a.CreateGroup(context.Background(), "friends", []string{"bob", "carol"}); err != nil {
					t.Fatal(err)
				}
				agreeOf(w, time.Minute, "friends", 3, a, c)
				a.say("friends", "before bob is in")
				time.Sleep(time.Minute)
				b.cut.in("convo.(*Engine).Receive", step)
				b.start()
				for end := time.Now().Add(2 * time.Minute); !b.cut.is(); time.Sleep(100 * time.Millisecond) {
					if time.Now().After(end) {
						t.Fatal("bob was not killed: no Welcome came")
					}
				}
				b.halt()
				b.cut.arm(nil)
				time.Sleep(time.Second)
				b.start()
				agree(w, 5*time.Minute, "friends", a, b, c)
				b.await(b.say("friends", "here I am"), localapi.Delivered, time.Minute)
				time.Sleep(35 * time.Minute) // a look at the relay
				b.halt()
				if kept := b.used(); len(kept) != 1 {
					t.Errorf("%d used key packages are kept for another Welcome, want 1", len(kept))
				}
				b.start()
				r.halt()
				if n := r.stockOf(b); n != 20 {
					t.Errorf("the relay holds %d key packages of bob, want 20", n)
				}
				r.start()
			})
		})
	}
}

// TestEmptyStock invites somebody of whom no key package can be had. As soon as
// there is one, it is invited, without anybody doing anything.
func TestEmptyStock(t *testing.T) {
	simulate(t, func(w *world) {
		a, b, c := w.node("alice"), w.node("bob"), w.node("carol")
		knowEachOther(a, b, c)
		b.halt()
		time.Sleep(time.Minute)
		if _, err := a.CreateGroup(context.Background(), "friends", []string{"bob", "carol"}); err != nil {
			t.Fatal(err)
		}
		agreeOf(w, time.Minute, "friends", 2, a, c)
		info, err := a.Group(context.Background(), "friends")
		if err != nil || len(info.Invited) != 1 || info.Invited[0].Waits == "" {
			t.Errorf("alice says of who is invited: %+v, %v", info.Invited, err)
		}
		time.Sleep(3 * time.Hour)
		b.start()
		agree(w, 2*time.Minute, "friends", a, b, c)
	})
}
