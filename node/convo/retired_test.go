package convo

import (
	"testing"
	"testing/synctest"
	"time"

	"quicnprotochat/node/convo/pair"
	"quicnprotochat/node/store"
)

// TestRetiredEpochs: when a group's time is over, the secrets of its epoch are gone
// from the memory too.
func TestRetiredEpochs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		anna, bert := newPerson(t, "anna"), newPerson(t, "bert")
		anna.add(bert.link())
		bert.add(anna.link())
		anna.send(bert, "one")
		bert.send(anna, "two")
		anna.prepare(bert)
		bert.prepare(anna)
		settle(anna, bert)
		erased := 0
		for _, p := range [][2]*person{{anna, bert}, {bert, anna}} {
			before := p[0].groupsHeld(p[1])
			time.Sleep(retirement + time.Hour)
			if err := p[0].engine.Sweep(t.Context()); err != nil {
				t.Fatal(err)
			}
			after := p[0].groupsHeld(p[1])
			if len(after) != 1 {
				t.Fatalf("%s: got %d groups, want 1", p[0].name, len(after))
			}
			for _, g := range before {
				if g.Epoch == after[0].Epoch {
					continue
				}
				erased++
				if p[0].engine.held.Get(g.Epoch) != nil {
					t.Errorf("%s: the epoch of a group that was erased is held", p[0].name)
				}
			}
		}
		if erased == 0 {
			t.Error("no group has lost")
		}
	})
}

// groupsHeld returns the groups with q, all of whose epochs are held.
func (p *person) groupsHeld(q *person) (groups []store.Group) {
	p.t.Helper()
	err := p.store.View(p.t.Context(), func(tx *store.Tx) (err error) {
		if groups, err = tx.GroupsOf(pair.ID(p.id.ID(), q.id.ID())); err != nil {
			return err
		}
		for _, g := range groups {
			if _, _, err := p.engine.Epoch(tx, g.Epoch); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return groups
}
