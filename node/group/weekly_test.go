package group

import (
	"testing"
	"testing/synctest"
	"time"

	"quicnprotochat/mls"
	"quicnprotochat/node/cards"
	"quicnprotochat/node/convo/news"
	"quicnprotochat/node/store"
	"quicnprotochat/rpc"
)

// TestWeeklyUpdate: an admin gives itself fresh keys after a week, unasked and one
// after the other; nobody does before, and who is no admin does not.
func TestWeeklyUpdate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := newPeople(t, "anna", "bert", "cleo")
		anna, bert, cleo := all[0], all[1], all[2]
		group, _ := promoted(t, all...)
		_, before := cleo.head(group)
		for _, step := range []struct {
			sleep time.Duration
			by    *person // who commits then, nil for nobody
		}{
			{updateEvery - 20*time.Minute, nil},
			{30 * time.Minute, anna},
			{time.Hour, bert},
			{24 * time.Hour, nil},
			{updateEvery - 24*time.Hour, anna},
			{time.Hour, bert},
		} {
			time.Sleep(step.sleep)
			for _, p := range all { // as delivery does: keys to write to each other are renewed
				for _, q := range all {
					if p != q {
						p.meet(q)
					}
				}
			}
			settle(group, all...)
			together(group, all...)
			by, number := cleo.head(group)
			switch {
			case step.by == nil && number != before:
				t.Fatalf("%v later: epoch %d, want still %d", step.sleep, number, before)
			case step.by != nil && (number != before+1 || by != step.by.id.ID()):
				t.Fatalf("%v later: epoch %d after %d, by %x; want one more, by %s", step.sleep, number, before, by[:4], step.by.profile.Name())
			}
			before = number
			cleo.in(group, func(_ *store.Tx, _ *news.Effects, _ store.Group, tree *cards.Tree, _ *mls.Epoch, _ store.Records) error {
				if silent := time.Since(tree.LastByAdmin(tree.Head)); step.by != nil && silent > time.Hour {
					t.Errorf("%v later: no admin was heard of for %v", step.sleep, silent)
				}
				return nil
			})
		}
	})
}

// head returns who committed the head of a group, and its number.
func (p *person) head(group []byte) (by rpc.Identity, number uint64) {
	p.t.Helper()
	p.in(group, func(_ *store.Tx, _ *news.Effects, _ store.Group, t *cards.Tree, ep *mls.Epoch, _ store.Records) error {
		if card := t.Top().Card; card != nil {
			by = card.Committer
		}
		number = ep.Number()
		return nil
	})
	return by, number
}
