package group

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"quicnprotochat/node/store"
)

// TestClockAhead: a home whose clock is a day ahead for some seconds, also while it
// starts, erases no keys because of that: what comes late from the branch that lost opens
// there. Ten minutes later they are gone.
func TestClockAhead(t *testing.T) {
	for name, restarts := range map[string]bool{"while it runs": false, "while it starts": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				all := newPeople(t, "anna", "bert", "cleo")
				anna, bert, cleo := all[0], all[1], all[2]
				group, id := promoted(t, anna, bert, cleo)
				_, err := cleo.groups.Send(t.Context(), id, chat("before"))
				must(t, err)
				must(t, cleo.groups.Update(t.Context(), id))
				_, err = cleo.groups.Tend(t.Context(), group)
				must(t, err)
				_, err = cleo.groups.Send(t.Context(), id, chat("after"))
				must(t, err)
				must(t, cleo.engine.SealWaiting(t.Context(), bert.id.ID()))
				var late [][]byte
				cleo.view(func(tx *store.Tx) error {
					rows, err := tx.OutgoingFresh(bert.id.ID(), 0)
					for _, row := range rows {
						late = append(late, row.Payload)
					}
					return err
				})
				must(t, anna.groups.Rename(t.Context(), id, "the better branch"))
				settle(group, anna, bert)

				bert.ahead = 24 * time.Hour
				if restarts {
					must(t, bert.store.Close())
					bert.open()
				}
				for _, payload := range late {
					_, err := bert.groups.Tend(t.Context(), group)
					must(t, err)
					if err := bert.receive(cleo, payload); err != nil {
						t.Errorf("what comes late: %v", err)
					}
				}
				bert.ahead = 0
				if got := bert.texts(id); !slices.Equal(got, []string{"before", "after"}) || bert.waiting() != 0 {
					t.Errorf("bert shows %q, and %d payloads wait", got, bert.waiting())
				}
				time.Sleep(11 * time.Minute)
				settle(group, bert)
				if n := bert.epochs(group); n != 2 {
					t.Errorf("bert has keys of the group in %d places, want those of the head on the disk and in memory", n)
				}
				quiet(group, all...)
				together(group, all...)
			})
		})
	}
}
