package group

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"

	"quicnprotochat/node/convo"
	"quicnprotochat/node/known"
	"quicnprotochat/node/store"
	"quicnprotochat/rpc"
)

// sealed returns what of a kind p has for q.
func (p *person) sealed(q *person, kind byte) (payload []byte) {
	p.t.Helper()
	must(p.t, p.engine.SealWaiting(p.t.Context(), q.id.ID()))
	p.view(func(tx *store.Tx) error {
		rows, err := tx.OutgoingFresh(q.id.ID(), 0)
		for _, row := range rows {
			if row.Kind == kind {
				payload = row.Payload
			}
		}
		return err
	})
	if len(payload) == 0 {
		p.t.Fatalf("%s has nothing of kind %d for %s", p.name, kind, q.name)
	}
	return payload
}

// waiting is how many payloads p cannot open yet.
func (p *person) waiting() (n int) {
	p.t.Helper()
	p.view(func(tx *store.Tx) (err error) {
		_, n, _, err = tx.CountIncoming()
		return err
	})
	return n
}

// TestWelcomeBeforeIntroduction: somebody took a link and invites its owner at once, and
// the Welcome comes before the word that the two know each other. It waits for that, and
// then brings its receiver in; and so it does for who is known from another group alone.
func TestWelcomeBeforeIntroduction(t *testing.T) {
	for name, fellows := range map[string]bool{"strangers": false, "fellows": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				all := newStrangers(t, "anna", "bert", "cleo")
				anna, bert, cleo := all[0], all[1], all[2]
				if fellows { // cleo knows both, they know each other by her group
					for _, p := range []*person{anna, bert} {
						cleo.meet(p)
						p.meet(cleo)
					}
					quiet(newGroup(t, cleo, anna, bert), all...)
				}
				anna.meet(bert)
				c, err := anna.groups.Create(t.Context(), "ours", []rpc.Identity{bert.id.ID()})
				must(t, err)
				must(t, anna.engine.Start(t.Context(), bert.id.ID(), bert.keyPackage(nil)))
				_, err = anna.groups.Tend(t.Context(), c.Group)
				must(t, err)
				introduction, welcome := anna.sealed(bert, store.KindIntroduction), anna.sealed(bert, store.KindWelcome)

				if err := bert.receive(anna, welcome); !errors.Is(err, convo.ErrWaiting) || bert.waiting() != 1 {
					t.Fatalf("the Welcome of somebody who is not known: %v, and %d wait, want it to wait", err, bert.waiting())
				}
				if _, err := bert.groups.Shape(t.Context(), c.ID); !errors.Is(err, ErrUnknown) {
					t.Errorf("bert has the group: %v", err)
				}
				told := bert.joined.n
				must(t, bert.receive(anna, introduction))
				if bert.joined.n == told {
					t.Error("nobody was told to try what waits again")
				}
				if n := len(bert.requests()); n != 0 {
					t.Errorf("%d ask to be contacts still", n)
				}
				bert.reread()
				if n := bert.waiting(); n != 0 {
					t.Errorf("%d payloads wait still", n)
				}
				if got, want := bert.members(c.Group), identities(anna, bert); !slices.Equal(got, want) {
					t.Errorf("bert sees %v, want %v", got, want)
				}
			})
		})
	}
}

// requests are who asks p to be a contact.
func (p *person) requests() (all []store.Request) {
	p.t.Helper()
	p.view(func(tx *store.Tx) (err error) {
		all, err = tx.Requests()
		return err
	})
	return all
}

// TestInvitedByFellow: who is known from a group alone, and invites to another, asks to be
// a contact by that, and who says yes is in.
func TestInvitedByFellow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := newStrangers(t, "anna", "bert", "cleo")
		anna, bert, cleo := all[0], all[1], all[2]
		for _, p := range []*person{anna, bert} {
			cleo.meet(p)
			p.meet(cleo)
		}
		quiet(newGroup(t, cleo, anna, bert), all...)
		c, err := anna.groups.Create(t.Context(), "ours", []rpc.Identity{bert.id.ID()})
		must(t, err)
		must(t, anna.engine.Start(t.Context(), bert.id.ID(), bert.keyPackage(nil)))
		_, err = anna.groups.Tend(t.Context(), c.Group)
		must(t, err)
		welcome := anna.sealed(bert, store.KindWelcome)
		if err := bert.receive(anna, welcome); !errors.Is(err, convo.ErrWaiting) {
			t.Fatalf("the Welcome: %v, want it to wait", err)
		}
		asking := bert.requests()
		if len(asking) != 1 || asking[0].Identity != anna.id.ID() || asking[0].Name != "anna" || asking[0].Via != known.ViaGroup {
			t.Fatalf("who asks: %+v, want anna", asking)
		}
		told := bert.joined.n
		_, err = bert.engine.Accept(t.Context(), anna.id.ID())
		must(t, err)
		if bert.joined.n == told {
			t.Error("nobody was told to try what waits again")
		}
		bert.reread()
		if got, want := bert.members(c.Group), identities(anna, bert); !slices.Equal(got, want) || len(bert.requests()) != 0 {
			t.Errorf("bert sees %v, want %v; %d ask", got, want, len(bert.requests()))
		}
	})
}
