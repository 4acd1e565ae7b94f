package integration

import (
	"testing"
	"time"

	"quicnprotochat/node/localapi"
	"quicnprotochat/node/store"
)

// TestIndexedByItself: what was said is in the index of the search soon, so that a search
// after a busy day has nothing to do first.
func TestIndexedByItself(t *testing.T) {
	simulate(t, func(w *world) {
		a, b := w.node("alice"), w.node("bob")
		a.add(b)
		a.await(a.send(b, "one"), localapi.Delivered, 10*time.Second)
		time.Sleep(3 * time.Minute)
		for _, n := range []*simNode{a, b} {
			n.halt()
			n.openStore(func(tx *store.Tx) error {
				left, err := tx.Unindexed(0)
				if err != nil || len(left) != 0 {
					t.Errorf("%s: %d lines are not in the index, %v", n.name, len(left), err)
				}
				return err
			})
		}
	})
}
