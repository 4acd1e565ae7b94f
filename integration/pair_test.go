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

func TestDirect(t *testing.T) {
	simulate(t, func(w *world) {
		a, b := w.node("alice"), w.node("bob")
		a.add(b)
		id := a.send(b, "hello")
		if d := a.await(id, localapi.Delivered, 10*time.Second); d.Path != localapi.PathDirect || d.Why == "" {
			w.t.Errorf("got path %q, why %q, want direct and a reason", d.Path, d.Why)
		}
		// Bob has added nothing, and may answer.
		id = b.send(a, "hi")
		b.await(id, localapi.Delivered, 10*time.Second)
		want := []string{"hello", "hi"}
		if got := a.texts(b); !slices.Equal(got, want) {
			w.t.Errorf("alice shows %q, want %q", got, want)
		}
		if got := b.texts(a); !slices.Equal(got, want) {
			w.t.Errorf("bob shows %q, want %q", got, want)
		}
		for _, n := range []*simNode{a, b} {
			s, err := n.Status(context.Background())
			if err != nil || len(s.Peers) != 1 || !s.Peers[0].PostQuantum || s.Peers[0].Suite != "MLKEM768X25519_AES128GCM_SHA256_Ed25519" {
				w.t.Errorf("%s: got peers %+v, %v, want one in the post-quantum suite", n.name, s.Peers, err)
			}
		}
	})
}

// TestAway sends to a node that is away, with no relay: the message waits, says
// why, and goes when the node is back.
func TestAway(t *testing.T) {
	simulate(t, func(w *world) {
		a, b := w.node("alice"), w.node("bob")
		a.add(b)
		a.await(a.send(b, "one"), localapi.Delivered, 10*time.Second)
		b.halt()
		id := a.send(b, "two")
		time.Sleep(time.Minute)
		d, err := a.Await(context.Background(), id, localapi.Queued)
		if err != nil || d.State != localapi.Queued || d.Why == "" {
			w.t.Errorf("got %+v, %v, want queued with a reason", d, err)
		}
		b.start()
		a.await(id, localapi.Delivered, 10*time.Second)
		b.wantTexts(a, "one", "two")
	})
}

// TestBothSend lets two who have just added each other write within the same
// 50 ms, 50 times: one conversation, all texts once, in one order.
func TestBothSend(t *testing.T) {
	for seed := range uint64(50) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			simulate(t, func(w *world) {
				rng := rand.New(rand.NewPCG(seed, 2))
				a, b := w.node("alice"), w.node("bob")
				a.add(b)
				b.add(a)
				var ids [2]string
				first, second, ia, ib := a, b, 0, 1
				if rng.IntN(2) == 0 {
					first, second, ia, ib = b, a, 1, 0
				}
				ids[ia] = first.send(second, "from "+first.name)
				time.Sleep(time.Duration(rng.IntN(50)) * time.Millisecond)
				ids[ib] = second.send(first, "from "+second.name)
				a.await(ids[0], localapi.Delivered, time.Minute)
				b.await(ids[1], localapi.Delivered, time.Minute)
				got, want := a.texts(b), b.texts(a)
				if !slices.Equal(got, want) || len(got) != 2 {
					w.t.Errorf("alice shows %q, bob %q, want the same two", got, want)
				}
			})
		})
	}
}

// TestGoneAndBack takes bob's machine away in the middle of a conversation, as
// kill -9 does, and brings him back at another address, with no relay. What waits
// on the dead connection goes over the new one at once.
func TestGoneAndBack(t *testing.T) {
	simulate(t, func(w *world) {
		a, b := w.node("alice"), w.node("bob")
		a.add(b)
		a.await(a.send(b, "one"), localapi.Delivered, 10*time.Second)
		w.net.Down(b.ip, true)
		b.halt()
		id := a.send(b, "two")
		time.Sleep(time.Second)
		b.ip = w.ip()
		b.start()
		a.await(id, localapi.Delivered, 4*time.Second)
		b.wantTexts(a, "one", "two")
	})
}
