package group

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"quicnprotochat/node/charter"
)

// TestSoleAdminGone: the only admin never comes back. The others go on talking, also
// after all old keys are erased; nobody can be invited, and who looks at the group is told
// that no admin was heard of for 30 days.
func TestSoleAdminGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := newPeople(t, "anna", "bert", "cleo", "dora")
		bert, cleo, dora := all[1], all[2], all[3]
		group := newGroup(t, all...)
		id := charter.ConversationID(group)
		there := []*person{bert, cleo, dora}
		silent := func(p *person) time.Time {
			s, err := p.groups.Shape(t.Context(), id)
			must(t, err)
			return s.Silent
		}
		began := time.Now()
		for n, p := range there {
			if got := silent(bert); !got.IsZero() {
				t.Errorf("after %d days no admin was heard of since %v", n*10, got)
			}
			time.Sleep(10 * 24 * time.Hour)
			for _, a := range there { // as delivery does: keys to write to each other are renewed
				for _, b := range there {
					if a != b {
						a.meet(b)
					}
				}
			}
			_, err := p.groups.Send(t.Context(), id, chat(p.name))
			must(t, err)
			must(t, there[(n+1)%3].groups.Update(t.Context(), id))
			quiet(group, there...)
		}
		for _, p := range there {
			if got := p.texts(id); !slices.Equal(got, []string{"bert", "cleo", "dora"}) {
				t.Errorf("%s shows %q", p.name, got)
			}
			if got := p.members(group); len(got) != 4 {
				t.Errorf("%s sees %d members, want 4", p.name, len(got))
			}
		}
		if got := silent(bert); got.IsZero() || got.After(began) {
			t.Errorf("no admin was heard of since %v, want a time before %v", got, began)
		}
		if err := bert.groups.Remove(t.Context(), id, dora.id.ID()); !errors.Is(err, ErrNotAdmin) {
			t.Errorf("bert removes dora: got %v, want ErrNotAdmin", err)
		}
		must(t, dora.groups.Leave(t.Context(), id))
		quiet(group, there...)
		if got := bert.members(group); len(got) != 3 {
			t.Errorf("after dora has left there are %d members, want 3", len(got))
		}
	})
}

// TestSeniorComesBack: a junior admin removes the senior one while that is away. It is
// told when it comes back, and undoes nothing.
func TestSeniorComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := newPeople(t, "anna", "bert", "cleo")
		anna, bert, cleo := all[0], all[1], all[2]
		group, id := promoted(t, all...)
		must(t, bert.groups.Remove(t.Context(), id, anna.id.ID()))
		settle(group, bert, cleo)
		time.Sleep(3 * 24 * time.Hour)
		must(t, bert.groups.Rename(t.Context(), id, "without anna"))
		quiet(group, bert, cleo)
		quiet(group, all...)
		together(group, bert, cleo)
		s, err := anna.groups.Shape(t.Context(), id)
		must(t, err)
		if s.Conversation.Status != StatusRemoved || s.RemovedBy != bert.id.ID() {
			t.Errorf("anna is %q, removed by %x", s.Conversation.Status, s.RemovedBy)
		}
		if _, err := anna.groups.Send(t.Context(), id, chat("still here?")); !errors.Is(err, ErrNotIn) {
			t.Errorf("anna writes: got %v, want ErrNotIn", err)
		}
		time.Sleep(8 * 24 * time.Hour) // nor does her weekly update
		quiet(group, all...)
		together(group, bert, cleo)
	})
}

// TestGiverDies: a member that has lost all keys of the head is given the GroupInfo,
// the giver is gone for good, and the member crashes before it came back. Another one
// gives it again.
func TestGiverDies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := newPeople(t, "anna", "bert", "cleo")
		anna, bert, cleo := all[0], all[1], all[2]
		group, id := promoted(t, all...)
		must(t, cleo.groups.Update(t.Context(), id))
		settle(group, cleo)
		must(t, anna.groups.Rename(t.Context(), id, "on"))
		settle(group, anna, bert)
		time.Sleep(8 * 24 * time.Hour)
		settle(group, cleo)
		must(t, anna.groups.Rename(t.Context(), id, "and on"))
		quiet(group, anna, bert)
		for _, p := range all {
			for _, q := range all {
				if p != q {
					p.meet(q)
				}
			}
		}
		given := func() bool {
			cleo.groups.mu.Lock()
			defer cleo.groups.mu.Unlock()
			return len(cleo.groups.infos) > 0
		}
		for n := 0; !given(); n++ {
			if n == 100 {
				t.Fatal("no GroupInfo came")
			}
			time.Sleep(5 * time.Second)
			_, err := cleo.groups.Tend(t.Context(), group)
			must(t, err)
			_, err = bert.groups.Tend(t.Context(), group)
			must(t, err)
			cleo.carry(bert)
			bert.carry(cleo)
		}
		must(t, cleo.store.Close())
		cleo.open()
		quiet(group, anna, cleo)
		if s, u := anna.authenticator(group), cleo.authenticator(group); !slices.Equal(s, u) {
			t.Error("cleo did not come back")
		}
		_, err := cleo.groups.Send(t.Context(), id, chat("back"))
		must(t, err)
		settle(group, anna, cleo)
		if got := anna.texts(id); !slices.Equal(got, []string{"back"}) {
			t.Errorf("anna shows %q", got)
		}
	})
}
