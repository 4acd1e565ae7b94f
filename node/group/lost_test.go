package group

import (
	"context"
	"errors"
	"os"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"quicnprotochat/node/charter"
	"quicnprotochat/node/convo"
	"quicnprotochat/node/store"
	"quicnprotochat/rpc"
)

// lose throws away what p has for others: their machines took it, and it is gone.
func (p *person) lose(others ...*person) {
	p.t.Helper()
	for _, q := range others {
		must(p.t, p.engine.SealWaiting(p.t.Context(), q.id.ID()))
		var rows []store.Outgoing
		p.view(func(tx *store.Tx) (err error) {
			rows, err = tx.OutgoingFresh(q.id.ID(), 0)
			return err
		})
		for _, row := range rows {
			if len(row.Payload) > 0 {
				must(p.t, p.engine.Direct(p.t.Context(), row, "direct", "taken", nil))
			}
		}
	}
}

// twin is another home of the same person, as it is now.
func (p *person) twin() *person {
	p.t.Helper()
	q := &person{t: p.t, name: p.name, id: p.id, dir: p.t.TempDir()}
	must(p.t, p.store.Close())
	must(p.t, os.CopyFS(q.dir, os.DirFS(p.dir)))
	p.open()
	q.open()
	p.t.Cleanup(func() { q.store.Close() })
	return q
}

// TestLostCommit: commits get lost on the way to one member, which then hears a message
// of an epoch that it does not know. It catches up and shows the message.
func TestLostCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := newPeople(t, "anna", "bert", "cleo")
		anna, bert, cleo := all[0], all[1], all[2]
		group := newGroup(t, all...)
		id := charter.ConversationID(group)
		for _, name := range []string{"one", "two", "three"} {
			must(t, anna.groups.Rename(t.Context(), id, name))
			_, err := anna.groups.Tend(t.Context(), group)
			must(t, err)
			anna.lose(cleo)
		}
		settle(group, anna, bert)
		_, err := bert.groups.Send(t.Context(), id, chat("do you hear me?"))
		must(t, err)
		quiet(group, all...)
		together(group, all...)
		if got := cleo.texts(id); !slices.Equal(got, []string{"do you hear me?"}) {
			t.Errorf("cleo shows %q", got)
		}
	})
}

// TestCommitterGone: an admin commits and is gone for good when one of two others has the
// commit. The two come together as soon as the one who has it says something.
func TestCommitterGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := newPeople(t, "anna", "bert", "cleo")
		anna, bert, cleo := all[0], all[1], all[2]
		group := newGroup(t, all...)
		id := charter.ConversationID(group)
		must(t, anna.groups.Rename(t.Context(), id, "for cleo alone"))
		settle(group, anna, cleo)
		_, err := cleo.groups.Send(t.Context(), id, chat("hello"))
		must(t, err)
		quiet(group, bert, cleo)
		if !slices.Equal(bert.authenticator(group), cleo.authenticator(group)) {
			t.Error("the two are in two epochs")
		}
		if got := bert.texts(id); !slices.Equal(got, []string{"hello"}) {
			t.Errorf("bert shows %q", got)
		}
	})
}

// TestLateMessage: a message comes after the keys of its epoch are erased. Its author
// encrypts it again, and all show it once.
func TestLateMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := newPeople(t, "anna", "bert", "cleo")
		anna, bert, cleo := all[0], all[1], all[2]
		group := newGroup(t, all...)
		id := charter.ConversationID(group)
		m, err := bert.groups.Send(t.Context(), id, chat("late"))
		must(t, err)
		var payload []byte
		bert.view(func(tx *store.Tx) error {
			rows, err := tx.OutgoingFresh(cleo.id.ID(), 0)
			payload = rows[0].Payload
			return err
		})
		bert.lose(cleo)
		for range 3 { // the epoch of the message is gone at cleo's
			must(t, anna.groups.Update(t.Context(), id))
			settle(group, anna, cleo)
			time.Sleep(8 * 24 * time.Hour)
		}
		for _, p := range all {
			for _, q := range all {
				if p != q {
					p.meet(q)
				}
			}
		}
		if err := cleo.receive(bert, payload); err == nil {
			t.Error("a message of an epoch whose keys are erased was taken")
		}
		quiet(group, all...)
		together(group, all...)
		for range 3 {
			pay(all...)
			settle(group, all...)
		}
		for _, p := range []*person{anna, cleo} {
			if got := p.texts(id); !slices.Equal(got, []string{"late"}) {
				t.Errorf("%s shows %q", p.name, got)
			}
		}
		if got := bert.state(m); got != convo.StateDelivered {
			t.Errorf("it is %s", got)
		}
	})
}

// TestEquivocation: an admin tells two members two different things at once, as one who
// cheats does, or one who runs two copies of a home: the sole admin, the most senior of
// two, and the junior one. The others come to one epoch all the same.
func TestEquivocation(t *testing.T) {
	for name, who := range map[string]int{"sole": 0, "senior": 0, "junior": 1} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				all := newPeople(t, "anna", "bert", "cleo", "dora")
				cleo, dora := all[2], all[3]
				var group []byte
				if name == "sole" {
					group = newGroup(t, all...)
				} else {
					group, _ = promoted(t, all...)
				}
				id := charter.ConversationID(group)
				one := all[who]
				other := one.twin()
				must(t, one.groups.Rename(t.Context(), id, "one"))
				must(t, other.groups.Rename(t.Context(), id, "other"))
				settle(group, one, cleo)
				settle(group, other, dora)
				if slices.Equal(cleo.authenticator(group), dora.authenticator(group)) {
					t.Fatal("nobody was told two things")
				}
				honest := slices.Delete(slices.Clone(all), who, who+1)
				_, err := cleo.groups.Send(t.Context(), id, chat("hello"))
				must(t, err)
				quiet(group, honest...)
				// Dora was told one thing and found the other: she can say who did that.
				s, err := dora.groups.Shape(t.Context(), id)
				must(t, err)
				if want := []rpc.Identity{one.id.ID()}; !slices.Equal(s.Equivocators, want) {
					t.Errorf("equivocators are %v, want %v", s.Equivocators, want)
				}
				want := honest[0].authenticator(group)
				for _, p := range honest {
					if !slices.Equal(p.authenticator(group), want) {
						t.Errorf("%s is in another epoch than %s", p.name, honest[0].name)
					}
					if got := p.texts(id); !slices.Equal(got, []string{"hello"}) {
						t.Errorf("%s shows %q", p.name, got)
					}
				}
			})
		})
	}
}

// TestWelcomeLostInviterGone: an admin invites somebody on a branch that loses, and is
// never seen again. Whoever joined there is told that it is not in, and is in again, with
// what it said, when another admin has seen the lost Add and nobody else took care of it
// for a minute: also of an admin whom it knows from the group alone.
func TestWelcomeLostInviterGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := newStrangers(t, "anna", "bert", "cleo", "dora")
		anna, bert, cleo, dora := all[0], all[1], all[2], all[3]
		for _, p := range all {
			for _, q := range all {
				if p != q && (p != dora || q == bert) && (q != dora || p == bert) {
					p.meet(q)
				}
			}
		}
		group, id := promoted(t, anna, bert, cleo)
		settle(group, all...) // the two who met have told each other their cards
		must(t, anna.groups.Rename(t.Context(), id, "the better branch"))
		_, err := anna.groups.Tend(t.Context(), group)
		must(t, err)
		must(t, bert.groups.Invite(t.Context(), id, []rpc.Identity{dora.id.ID()}))
		must(t, bert.engine.Start(t.Context(), dora.id.ID(), dora.keyPackage(nil)))
		settle(group, bert, dora)
		bert.carry(cleo)
		bert.carry(anna)
		_, err = dora.groups.Send(t.Context(), id, chat("am I in?"))
		must(t, err)
		there := []*person{anna, cleo, dora}
		for range 3 {
			settle(group, there...)
		}
		if !slices.Equal(anna.authenticator(group), cleo.authenticator(group)) {
			t.Error("anna and cleo are in two epochs")
		}
		if s, err := dora.groups.Shape(t.Context(), id); err != nil || s.Conversation.Status != StatusRemoved {
			t.Errorf("dora is %q, %v", s.Conversation.Status, err)
		}
		if _, err := dora.groups.Send(t.Context(), id, chat("hello?")); !errors.Is(err, ErrNotIn) {
			t.Errorf("dora writes: got %v, want ErrNotIn", err)
		}
		if anna.wants(dora) {
			t.Error("anna adds her at once, and leaves bert no time to")
		}
		quiet(group, there...)
		if cleo.wants(dora) || !anna.wants(dora) {
			t.Fatalf("cleo adds her: %v, anna: %v", cleo.wants(dora), anna.wants(dora))
		}
		must(t, anna.engine.Start(t.Context(), dora.id.ID(), dora.keyPackage(nil)))
		quiet(group, there...)
		for _, p := range there {
			if !slices.Equal(p.authenticator(group), anna.authenticator(group)) || len(p.members(group)) != 4 {
				t.Errorf("%s is elsewhere, with %d members", p.name, len(p.members(group)))
			}
		}
		if got := anna.texts(id); !slices.Equal(got, []string{"am I in?"}) {
			t.Errorf("anna shows %q", got)
		}
	})
}

// wants reports whether p looks for a key package of q.
func (p *person) wants(q *person) (wants bool) {
	p.t.Helper()
	p.view(func(tx *store.Tx) (err error) {
		wants, err = p.groups.Wants(tx, q.id.ID())
		return err
	})
	return wants
}

// TestRemoveLostAdminGone: an admin removes somebody on a branch that loses, and is never
// seen again. Another admin removes that one a minute later, unless the admin is none any
// more.
func TestRemoveLostAdminGone(t *testing.T) {
	for name, tt := range map[string]struct {
		better func(ctx context.Context, anna *person, id [16]byte, bert rpc.Identity) error
		stays  bool
	}{
		"again": {func(ctx context.Context, anna *person, id [16]byte, _ rpc.Identity) error {
			return anna.groups.Rename(ctx, id, "the better branch")
		}, false},
		"no admin any more": {func(ctx context.Context, anna *person, id [16]byte, bert rpc.Identity) error {
			return anna.groups.Demote(ctx, id, bert)
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				all := newPeople(t, "anna", "bert", "cleo", "dora")
				anna, bert, cleo, dora := all[0], all[1], all[2], all[3]
				group, id := promoted(t, all...)
				must(t, tt.better(t.Context(), anna, id, bert.id.ID()))
				must(t, bert.groups.Remove(t.Context(), id, dora.id.ID()))
				for _, p := range []*person{anna, bert} {
					_, err := p.groups.Tend(t.Context(), group)
					must(t, err)
				}
				bert.carry(anna)
				bert.carry(cleo)
				there := []*person{anna, cleo, dora}
				settle(group, there...)
				if got := len(anna.members(group)); got != 4 {
					t.Errorf("%d members while bert has time to do it again, want 4", got)
				}
				quiet(group, there...)
				if slices.Contains(anna.members(group), dora.id.ID()) != tt.stays {
					t.Errorf("dora is in: %v, want %v", !tt.stays, tt.stays)
				}
				if !slices.Equal(anna.authenticator(group), cleo.authenticator(group)) {
					t.Error("anna and cleo are in two epochs")
				}
			})
		})
	}
}
