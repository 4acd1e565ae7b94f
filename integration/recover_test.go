package integration

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"quicnprotochat/mls/seal"
	"quicnprotochat/node"
	"quicnprotochat/node/localapi"
	"quicnprotochat/node/store"
	"quicnprotochat/transport"
)

// openStore opens the store of a node that is halted, for the time of fn.
func (n *simNode) openStore(fn func(tx *store.Tx) error) {
	n.w.t.Helper()
	s, err := store.Open(store.Config{Dir: n.dir})
	if err != nil {
		n.w.t.Fatal(err)
	}
	defer s.Close()
	if err := s.Update(n.w.t.Context(), fn); err != nil {
		n.w.t.Fatal(err)
	}
}

// TestRefusedThenKnown begins a conversation with a link that is too old when the
// other one is back: what was sent is refused. With a fresh link it arrives, though the link between the
// two has been up all the time.
func TestRefusedThenKnown(t *testing.T) {
	simulate(t, func(w *world) {
		b := w.node("bob")
		old, err := b.Invite(context.Background())
		if err != nil {
			w.t.Fatal(err)
		}
		b.halt()
		time.Sleep(29 * 24 * time.Hour)
		a := w.node("alice")
		if _, err := a.AddContact(context.Background(), old.Link, ""); err != nil {
			w.t.Fatal(err)
		}
		time.Sleep(2 * 24 * time.Hour)
		b.start()
		id := a.send(b, "let me in")
		a.await(id, localapi.Direct, 10*time.Second)
		time.Sleep(10 * time.Second)
		if got := b.texts(a); len(got) != 0 {
			w.t.Errorf("shown to bob by an old link: %q", got)
		}
		a.add(b)
		a.await(id, localapi.Delivered, 5*time.Minute)
		b.wantTexts(a, "let me in")
	})
}

// TestRelayForgets leaves more messages at a relay than one race carries. The
// relay vanishes, and all of them go direct when the two see each other.
func TestRelayForgets(t *testing.T) {
	simulate(t, func(w *world) {
		r := w.relay()
		a, b := w.node("alice", r.url()), w.node("bob", r.url())
		a.meet(b, "0")
		b.halt()
		want, last := []string{"0"}, ""
		for i := 1; i <= 150; i++ {
			last = a.send(b, fmt.Sprint(i))
			want = append(want, fmt.Sprint(i))
		}
		a.await(last, localapi.Stored, time.Minute)
		r.halt()
		b.start()
		a.await(last, localapi.Delivered, 10*time.Minute)
		time.Sleep(10 * time.Second)
		if got := b.texts(a); !slices.Equal(got, want) {
			w.t.Errorf("bob shows %d of %d: %q", len(got), len(want), got)
		}
	})
}

// TestTakenAndLost: bob's machine says that it has a message, and its disk loses it. Alice
// keeps the message until she has his receipt, and sends it again.
func TestTakenAndLost(t *testing.T) {
	simulate(t, func(w *world) {
		a, b := w.node("alice"), w.node("bob")
		a.meet(b, "one")
		b.cut.in("convo.(*Engine).Receive", before)
		id := a.send(b, "two")
		a.await(id, localapi.Direct, 10*time.Second)
		time.Sleep(time.Second)
		if !b.cut.is() {
			w.t.Fatal("bob has opened the message")
		}
		b.halt()
		b.openStore(func(tx *store.Tx) error {
			rows, err := tx.Incoming(0, 0, false)
			if err != nil || len(rows) == 0 {
				return fmt.Errorf("%d rows in the inbox: %w", len(rows), err)
			}
			for _, row := range rows {
				err = errors.Join(err, tx.DropIncoming(row.ID))
			}
			return err
		})
		b.cut.arm(nil)
		b.start()
		a.await(id, localapi.Delivered, 5*time.Minute)
		b.wantTexts(a, "one", "two")
	})
}

// TestOldKeysOutlastAPowerCut: bob has a message of an epoch that is past, and a power cut
// takes back that he opened it. He comes back three weeks later, when the keys of that epoch
// are to go, and opens it first: who wrote it may have his receipt and not send it again.
func TestOldKeysOutlastAPowerCut(t *testing.T) {
	simulate(t, func(w *world) {
		a, b, c := w.node("alice"), w.node("bob"), w.node("carol")
		knowEachOther(a, b, c)
		a.group("friends", b, c)
		w.net.Cut(a.ip, c.ip, true)
		a.rename("friends", "pals")
		for end := time.Now().Add(time.Minute); b.state("pals") == "-"; time.Sleep(time.Second) {
			if time.Now().After(end) {
				t.Fatal("bob does not hear of the new epoch")
			}
		}
		b.cut.in("convo.(*Engine).Receive", before)
		c.say("friends", "of the past epoch")
		for end := time.Now().Add(time.Minute); !b.cut.is(); time.Sleep(time.Second) {
			if time.Now().After(end) {
				t.Fatal("bob does not get the message")
			}
		}
		for _, n := range []*simNode{a, b, c} {
			n.halt()
		}
		b.cut.arm(nil)
		b.now = func() time.Time { return time.Now().Add(21 * 24 * time.Hour) }
		b.start()
		time.Sleep(10 * time.Second)
		if got := b.said("pals"); !slices.Contains(got, "of the past epoch") {
			t.Errorf("bob shows %q", got)
		}
	})
}

// TestWaitingAfterCrash stops a node after it has got the keys for a payload
// that waited, and before it has tried that payload again.
func TestWaitingAfterCrash(t *testing.T) {
	simulate(t, func(w *world) {
		a, b := w.node("alice"), w.node("bob")
		a.add(b)
		a.await(a.send(b, "one"), localapi.Delivered, 10*time.Second)
		time.Sleep(time.Minute)
		b.halt()
		a.send(b, "two")
		a.halt()
		var payload []byte
		a.openStore(func(tx *store.Tx) error {
			rows, err := tx.OutgoingFresh([32]byte(b.Key()), 0)
			payload = rows[0].Payload
			return err
		})
		b.openStore(func(tx *store.Tx) error {
			_, _, err := tx.AddIncoming(store.Incoming{
				Hash: sha256.Sum256(payload), Payload: payload, Via: "direct", Received: time.Now(), Waiting: true,
			})
			return err
		})
		b.start()
		time.Sleep(10 * time.Second)
		b.wantTexts(a, "one", "two")
	})
}

// TestWaitingBlocksNothing fills the share of one depositor with payloads that
// no key opens: those that a key opens are taken all the same.
func TestWaitingBlocksNothing(t *testing.T) {
	simulate(t, func(w *world) {
		a, b := w.node("alice"), w.node("bob")
		b.halt()
		b.openStore(func(tx *store.Tx) error {
			for i := range 64 {
				payload := binary.BigEndian.AppendUint64([]byte{byte(seal.KindEpoch)}, uint64(i))
				payload = append(payload, make([]byte, 1100)...)
				_, _, err := tx.AddIncoming(store.Incoming{
					Hash: sha256.Sum256(payload), Payload: payload, Depositor: [32]byte(a.Key()), Via: "direct",
					Received: time.Now(), Waiting: true,
				})
				if err != nil {
					return err
				}
			}
			return nil
		})
		b.start()
		a.add(b)
		a.await(a.send(b, "one"), localapi.Delivered, time.Minute)
	})
}

// TestCloseWithoutRun closes a node that somebody has called before it ran.
func TestCloseWithoutRun(t *testing.T) {
	simulate(t, func(w *world) {
		a, b := w.node("alice"), w.node("bob")
		a.add(b)
		a.await(a.send(b, "one"), localapi.Delivered, 10*time.Second)
		b.halt()
		n, err := node.New(context.Background(), node.Config{
			Dir: b.dir, Listen: []string{"/ip4/" + b.ip + "/udp/7000/quic-v1"}, LAN: "off",
			Options: []transport.Option{w.net.Option()}, Log: w.log,
		})
		if err != nil {
			w.t.Fatal(err)
		}
		a.send(b, "two")
		time.Sleep(time.Minute)
		closed := make(chan error, 1)
		go func() { closed <- n.Close() }()
		select {
		case err := <-closed:
			if err != nil {
				w.t.Errorf("close: %v", err)
			}
		case <-time.After(time.Minute):
			w.t.Fatal("close hangs")
		}
	})
}

// Key returns the node's key.
func (n *simNode) Key() transport.Key {
	id, err := n.Identity(context.Background())
	if err != nil {
		n.w.t.Fatal(err)
	}
	k, err := transport.ParseKey(id.Identity)
	if err != nil {
		n.w.t.Fatal(err)
	}
	return k
}
