package group

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"quicnprotochat/mls"
	"quicnprotochat/mls/seal"
	"quicnprotochat/node/cards"
	"quicnprotochat/node/charter"
	"quicnprotochat/node/convo"
	"quicnprotochat/node/convo/news"
	"quicnprotochat/node/keys"
	"quicnprotochat/node/plan"
	"quicnprotochat/node/store"
)

// classical makes a key package for groups of the classical suite; without says that it
// is of a program that has no other.
func (p *person) classical(without bool) []byte {
	return p.keyPackage(func(cfg *mls.KeyPackageConfig) {
		if cfg.Suite = keys.ClassicalSuite; without {
			cfg.Capabilities.Suites = []uint16{uint16(keys.ClassicalSuite)}
		}
	})
}

// supply hands p the key packages that it wants of others, as they give them out; those
// of the people named in old are of a program without the post-quantum suite.
func (p *person) supply(all []*person, old ...string) {
	p.t.Helper()
	for _, q := range all {
		if p == q {
			continue
		}
		needs, err := p.engine.Needs(p.t.Context(), q.id.ID())
		must(p.t, err)
		if !needs.KeyPackage {
			continue
		}
		if slices.Contains(old, q.name) {
			must(p.t, p.engine.Start(p.t.Context(), q.id.ID(), q.classical(true)))
			continue
		}
		err = p.engine.Start(p.t.Context(), q.id.ID(), q.keyPackage(nil))
		if errors.Is(err, convo.ErrOtherSuite) {
			err = p.engine.Start(p.t.Context(), q.id.ID(), q.classical(false))
		}
		must(p.t, err)
	}
}

// comeIn settles a group while p is given the key packages that it wants.
func comeIn(group []byte, p *person, all []*person, old ...string) {
	for range 3 {
		p.supply(all, old...)
		settle(group, all...)
	}
}

// suiteOf returns the suite of a group as p says it, which is that of its epoch too.
func (p *person) suiteOf(group []byte) mls.Suite {
	p.t.Helper()
	p.in(group, func(_ *store.Tx, _ *news.Effects, row store.Group, _ *cards.Tree, ep *mls.Epoch, _ store.Records) error {
		if mls.Suite(row.Suite) != ep.Suite() {
			p.t.Errorf("%s: the store says suite 0x%04x, MLS %v", p.name, row.Suite, ep.Suite())
		}
		return nil
	})
	s, err := p.groups.Shape(p.t.Context(), charter.ConversationID(group))
	must(p.t, err)
	return s.Suite
}

// sealedWith checks how messages and commits of p for a group are sealed; they are in
// its outbox.
func (p *person) sealedWith(group []byte, kind byte, to ...*person) {
	p.t.Helper()
	found := 0
	for _, q := range to {
		must(p.t, p.engine.SealWaiting(p.t.Context(), q.id.ID()))
		p.view(func(tx *store.Tx) error {
			rows, err := tx.OutgoingFresh(q.id.ID(), 0)
			for _, row := range rows {
				if string(row.Group) != string(group) || row.Kind != store.KindMessage && row.Kind != store.KindCommit {
					continue
				}
				if found++; row.Payload[0] != kind {
					p.t.Errorf("%s seals a row of kind %v with 0x%02x, want 0x%02x", p.name, row.Kind, row.Payload[0], kind)
				}
			}
			return err
		})
	}
	if found == 0 {
		p.t.Errorf("%s has nothing for the others in its outbox", p.name)
	}
}

// TestSuites lives in a group of each suite: who is invited as it begins decides which
// one it is, and Welcomes, messages, branches, and the way back by an external commit
// work in both.
func TestSuites(t *testing.T) {
	for _, tt := range []struct {
		name  string
		suite mls.Suite
		kind  byte
		old   []string
	}{
		{"post-quantum", keys.Suite, seal.KindEpoch, nil},
		{"classical", keys.ClassicalSuite, seal.KindHybrid, []string{"dora"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { liveInSuite(t, tt.suite, tt.kind, tt.old) })
		})
	}
}

func liveInSuite(t *testing.T, suite mls.Suite, kind byte, old []string) {
	all := newPeople(t, "anna", "bert", "cleo", "dora", "emil")
	anna, bert, cleo, dora := all[0], all[1], all[2], all[3]
	c, err := anna.groups.Create(t.Context(), "first", nil)
	must(t, err)
	group, id := c.Group, c.ID
	must(t, anna.groups.Rename(t.Context(), id, "group"))
	_, err = anna.groups.Send(t.Context(), id, chat("alone"))
	must(t, err)
	settle(group, anna)
	must(t, anna.groups.Invite(t.Context(), id, identities(bert, cleo, dora)))
	comeIn(group, anna, all, old...)
	together(group, all[:4]...)
	for _, p := range all[:4] {
		if got := p.suiteOf(group); got != suite {
			t.Fatalf("%s is in a group of suite %v, want %v", p.name, got, suite)
		}
		if s, err := p.groups.Shape(t.Context(), id); err != nil || s.Conversation.Name != "group" {
			t.Errorf("%s calls the group %q, %v", p.name, s.Conversation.Name, err)
		}
		_, err := p.groups.Send(t.Context(), id, chat(p.name))
		must(t, err)
	}
	bert.sealedWith(group, kind, anna, cleo, dora)
	settle(group, all...)

	// Two branches, and what was said on the one that loses. Bert is no admin: he gives
	// himself fresh keys.
	must(t, bert.groups.Update(t.Context(), id))
	settle(group, bert, dora)
	_, err = bert.groups.Send(t.Context(), id, chat("on a branch"))
	must(t, err)
	settle(group, bert, dora)
	must(t, anna.groups.Rename(t.Context(), id, "another"))
	_, err = anna.groups.Tend(t.Context(), group)
	must(t, err)
	anna.sealedWith(group, kind, bert, cleo, dora)
	settle(group, anna, cleo)
	quiet(group, all...)
	together(group, all[:4]...)

	// Cleo loses her keys and comes back.
	before := cleo.groups
	cleo.loseKeys(group)
	must(t, anna.groups.Update(t.Context(), id))
	quiet(group, all...)
	together(group, all[:4]...)
	if n := externals(anna, group); n == 0 || before != cleo.groups {
		t.Errorf("%d external commits: nobody came back", n)
	}
	_, err = cleo.groups.Send(t.Context(), id, chat("back"))
	must(t, err)
	settle(group, all...)

	// Somebody comes later who has all suites.
	must(t, anna.groups.Invite(t.Context(), id, identities(all[4])))
	comeIn(group, anna, all, old...)
	together(group, all...)
	for _, p := range all {
		if got := p.suiteOf(group); got != suite {
			t.Errorf("%s is in a group of suite %v, want %v", p.name, got, suite)
		}
	}
	for _, p := range all[1:4] {
		got := p.texts(id)
		slices.Sort(got)
		if want := []string{"anna", "back", "bert", "cleo", "dora", "on a branch"}; !slices.Equal(got, want) {
			t.Errorf("%s shows %q, want %q", p.name, got, want)
		}
	}
	for _, p := range all {
		for _, q := range all {
			p.receipt(q, kind)
		}
	}
	for _, p := range all {
		p.view(func(tx *store.Tx) error {
			rows, err := tx.Unreceipted(id, p.id.ID())
			if len(rows) > 0 {
				t.Errorf("%d messages of %s have not all receipts", len(rows), p.name)
			}
			return err
		})
	}
}

// receipt carries the receipts that p owes to q, and checks how they are sealed.
func (p *person) receipt(q *person, kind byte) {
	p.t.Helper()
	for {
		r, err := p.engine.Receipt(p.t.Context(), q.id.ID())
		must(p.t, err)
		if r == nil {
			return
		}
		if r.Payload[0] != kind {
			p.t.Errorf("%s seals a receipt with 0x%02x, want 0x%02x", p.name, r.Payload[0], kind)
		}
		must(p.t, q.receive(p, r.Payload))
		must(p.t, p.engine.Receipted(p.t.Context(), r))
	}
}

// loseKeys erases all keys that p has of a group.
func (p *person) loseKeys(group []byte) {
	p.in(group, func(tx *store.Tx, _ *news.Effects, row store.Group, t *cards.Tree, _ *mls.Epoch, _ store.Records) error {
		for _, e := range t.Epochs {
			if e.State == cards.StateIn {
				must(p.t, p.groups.erase(tx, e.Name))
				must(p.t, setState(tx, row.ID, e, cards.StateGone))
			}
		}
		return nil
	})
}

// externals counts the external commits on the way to the head.
func externals(p *person, group []byte) (n int) {
	p.in(group, func(_ *store.Tx, _ *news.Effects, _ store.Group, t *cards.Tree, _ *mls.Epoch, _ store.Records) error {
		for _, i := range t.Chain(t.Head) {
			if card := t.Epochs[i].Card; card != nil && card.External {
				n++
			}
		}
		return nil
	})
	return n
}

// TestUnfit: a group that has begun keeps its suite. Who lacks it is not added, and the
// user is told.
func TestUnfit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := newPeople(t, "anna", "bert", "dora")
		anna, bert, dora := all[0], all[1], all[2]
		group := newGroup(t, anna, bert)
		id := charter.ConversationID(group)
		must(t, anna.groups.Invite(t.Context(), id, identities(dora)))
		comeIn(group, anna, all, "dora")
		together(group, anna, bert)
		if got := anna.suiteOf(group); got != keys.Suite {
			t.Fatalf("the group has suite %v now", got)
		}
		if needs, err := anna.engine.Needs(t.Context(), dora.id.ID()); err != nil || needs.KeyPackage {
			t.Errorf("got %+v, %v, want no more key packages to be fetched", needs, err)
		}
		s, err := anna.groups.Shape(t.Context(), id)
		must(t, err)
		if len(s.Invited) != 1 || s.Invited[0].Identity != dora.id.ID() || !strings.Contains(s.Invited[0].Waits, "start a new group") {
			t.Errorf("the group says of who is invited: %+v", s.Invited)
		}
		told := 0
		anna.view(func(tx *store.Tx) error {
			events, err := tx.Events(0, 1<<40, 1000)
			for _, e := range events {
				if e.Kind == string(news.EventUnfit) && e.Peer == dora.id.ID() && e.Conversation == id {
					told++
				}
			}
			return err
		})
		if told != 1 {
			t.Errorf("the user was told %d times, want once", told)
		}
		err = anna.groups.Invite(t.Context(), id, identities(dora))
		if !errors.Is(err, ErrSuite) || !strings.HasPrefix(err.Error(), "dora: ") {
			t.Errorf("invited again: got %v, want ErrSuite", err)
		}
		time.Sleep(unfitRetry + time.Minute)
		must(t, anna.groups.Invite(t.Context(), id, identities(dora)))
		comeIn(group, anna, all) // her program is newer now
		together(group, all...)
		if s, err := anna.groups.Shape(t.Context(), id); err != nil || len(s.Invited) > 0 {
			t.Errorf("invited: %+v, %v", s.Invited, err)
		}
	})
}

// TestUnfitIsForgotten: what was said of somebody goes in time.
func TestUnfitIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := newPeople(t, "anna", "bert", "dora")
		anna, dora := all[0], all[2]
		group := newGroup(t, anna, all[1])
		must(t, anna.groups.Invite(t.Context(), charter.ConversationID(group), identities(dora)))
		comeIn(group, anna, all, "dora")
		time.Sleep(plan.UnfitShown)
		settle(group, anna)
		anna.view(func(tx *store.Tx) error {
			unfit, err := tx.IntentsOf(dora.id.ID(), plan.Unfit)
			if len(unfit) > 0 {
				t.Error("still said")
			}
			return err
		})
	})
}

// TestNoWeakerGroup: of somebody who has the post-quantum suite no classical key
// package brings a group to the classical one; a relay could have kept it.
func TestNoWeakerGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := newPeople(t, "anna", "bert")
		anna, bert := all[0], all[1]
		c, err := anna.groups.Create(t.Context(), "group", identities(bert))
		must(t, err)
		if err := anna.engine.Start(t.Context(), bert.id.ID(), bert.classical(false)); !errors.Is(err, convo.ErrOtherSuite) {
			t.Errorf("got %v, want ErrOtherSuite", err)
		}
		comeIn(c.Group, anna, all)
		together(c.Group, all...)
		if got := anna.suiteOf(c.Group); got != keys.Suite {
			t.Errorf("the group has suite %v", got)
		}
	})
}

// TestOtherEpochClassical: what is sealed to a person does not say by its seal in which
// epoch it was made. It opens in an epoch that is over, and waits for one to come.
func TestOtherEpochClassical(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := newPeople(t, "anna", "bert", "dora")
		anna, bert, dora := all[0], all[1], all[2]
		c, err := anna.groups.Create(t.Context(), "group", identities(bert, dora))
		must(t, err)
		comeIn(c.Group, anna, all, "dora")
		together(c.Group, all...)
		write := func(text string) {
			_, err := bert.groups.Send(t.Context(), c.ID, chat(text))
			must(t, err)
		}
		write("old")
		must(t, anna.groups.Rename(t.Context(), c.ID, "new"))
		_, err = anna.groups.Tend(t.Context(), c.Group)
		must(t, err)
		if err := anna.receive(bert, bert.payload(anna)); err != nil {
			t.Errorf("message of the epoch before: %v", err)
		}
		anna.carry(bert)
		write("new")
		ahead := bert.payload(dora)
		if err := dora.receive(bert, ahead); !errors.Is(err, convo.ErrWaiting) {
			t.Errorf("message of the epoch to come: got %v, want it to wait", err)
		}
		if got := anna.texts(c.ID); !slices.Equal(got, []string{"old"}) {
			t.Errorf("anna shows %q", got)
		}
	})
}

// payload returns the last message that p has for q, sealed.
func (p *person) payload(q *person) (payload []byte) {
	p.t.Helper()
	must(p.t, p.engine.SealWaiting(p.t.Context(), q.id.ID()))
	p.view(func(tx *store.Tx) error {
		rows, err := tx.OutgoingFresh(q.id.ID(), 0)
		for _, row := range rows {
			if row.Kind == store.KindMessage {
				payload = row.Payload
			}
		}
		return err
	})
	return payload
}
