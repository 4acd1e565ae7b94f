package group

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"quicnprotochat/mls"
	"quicnprotochat/node/cards"
	"quicnprotochat/node/charter"
	"quicnprotochat/node/convo"
	"quicnprotochat/node/convo/news"
	"quicnprotochat/node/message"
	"quicnprotochat/node/store"
	"quicnprotochat/rpc"
)

// quiet lets all talk long enough to ask each other for what they lack.
func quiet(group []byte, all ...*person) {
	for range 8 {
		time.Sleep(16 * time.Second)
		settle(group, all...)
	}
}

// together checks that all are in one epoch, and that its members are they.
func together(group []byte, all ...*person) {
	all[0].t.Helper()
	want := all[0].authenticator(group)
	for _, p := range all {
		if got := p.authenticator(group); !bytes.Equal(got, want) {
			p.t.Errorf("%s is in another epoch than %s", p.profile.Name(), all[0].profile.Name())
		}
		if got := p.members(group); len(got) != len(all) {
			p.t.Errorf("%s sees %d members, want %d", p.profile.Name(), len(got), len(all))
		}
	}
}

func (p *person) authenticator(group []byte) (a []byte) {
	p.t.Helper()
	s, err := p.groups.Shape(p.t.Context(), charter.ConversationID(group))
	must(p.t, err)
	return s.Authenticator
}

// view runs fn on the store.
func (p *person) view(fn func(tx *store.Tx) error) {
	p.t.Helper()
	must(p.t, p.store.View(p.t.Context(), fn))
}

// take brings commits to p, as if somebody had sent them.
func (p *person) take(commits ...message.Commit) error {
	return p.engine.Update(p.t.Context(), func(tx *store.Tx, fx *news.Effects) error {
		return p.groups.Part(tx, fx, &message.GroupTree{Commits: commits})
	})
}

// rows is how many commits of a group p keeps.
func (p *person) rows(group []byte) (n int) {
	p.view(func(tx *store.Tx) error {
		rows, err := tx.Commits(group)
		n = len(rows)
		return err
	})
	return n
}

// card is a signed card on the head of p, of a commit of those bytes.
func (p *person) card(group, commit []byte, change func(*message.CommitCard)) (c message.Commit) {
	p.t.Helper()
	p.in(group, func(_ *store.Tx, _ *news.Effects, _ store.Group, t *cards.Tree, ep *mls.Epoch, _ store.Records) error {
		card := &message.CommitCard{
			Group: group, Parent: t.Top().Name, Number: ep.Number() + 1, Committer: p.id.ID(), Digest: sha256.Sum256(commit),
		}
		change(card)
		err := card.Sign(p.id.Sign)
		if err == nil {
			c.Card, err = card.Encode()
		}
		c.Message = commit
		return err
	})
	return c
}

// promoted makes a group of which the first two are admins.
func promoted(t *testing.T, all ...*person) (group []byte, id [16]byte) {
	t.Helper()
	group = newGroup(t, all...)
	id = charter.ConversationID(group)
	must(t, all[0].groups.Promote(t.Context(), id, all[1].id.ID()))
	settle(group, all...)
	together(group, all...)
	return group, id
}

// TestWrongCards: what a member has no right to leaves nothing behind.
func TestWrongCards(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := newPeople(t, "anna", "bert", "cleo")
		anna, bert := all[0], all[1]
		group := newGroup(t, all...)
		before := anna.rows(group)
		for n := range 50 {
			c := bert.card(group, []byte{byte(n)}, func(c *message.CommitCard) {
				c.Binding[0] = byte(n)
				if n%2 == 0 {
					c.Removed = []rpc.Identity{anna.id.ID()}
				} else {
					c.Profile = &message.GroupProfile{Name: "mine", Admins: []rpc.Identity{bert.id.ID()}}
				}
			})
			must(t, anna.take(c))
		}
		if got := anna.rows(group); got != before {
			t.Errorf("%d commits are kept, want %d", got, before)
		}
		together(group, all...)
	})
}

// TestGroundCommits: a member makes 10,000 commits in one epoch, none of which opens.
// Two are kept, and the group goes on.
func TestGroundCommits(t *testing.T) {
	n := 10_000
	if testing.Short() {
		n = 1000
	}
	synctest.Test(t, func(t *testing.T) {
		all := newPeople(t, "anna", "bert", "cleo")
		anna, bert, cleo := all[0], all[1], all[2]
		group := newGroup(t, all...)
		before := anna.rows(group)
		var frame []message.Commit
		for i := range n {
			frame = append(frame, bert.card(group, []byte(fmt.Sprint(i)), func(c *message.CommitCard) {
				c.Binding = sha256.Sum256([]byte(fmt.Sprint(i)))
			}))
			if len(frame) == message.MaxCommits || i == n-1 {
				must(t, anna.take(frame...))
				must(t, cleo.take(frame...))
				frame = nil
			}
		}
		for _, p := range []*person{anna, cleo} {
			if got := p.rows(group); got != before+2 {
				t.Errorf("%s keeps %d commits, want 2 more than %d", p.profile.Name(), got, before)
			}
		}
		must(t, anna.groups.Rename(t.Context(), charter.ConversationID(group), "after the flood"))
		quiet(group, all...)
		together(group, all...)
	})
}

// TestSwappedCommit: a card that came with other bytes than the commit's does not
// keep the commit out.
func TestSwappedCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := newPeople(t, "anna", "bert", "cleo")
		anna, cleo := all[0], all[2]
		group := newGroup(t, all...)
		must(t, anna.groups.Update(t.Context(), charter.ConversationID(group)))
		_, err := anna.groups.Tend(t.Context(), group)
		must(t, err)
		var made message.Commit
		anna.in(group, func(tx *store.Tx, _ *news.Effects, row store.Group, _ *cards.Tree, _ *mls.Epoch, _ store.Records) error {
			c, err := tx.Commit(group, row.Epoch)
			made = message.Commit{Card: c.Card, Message: c.Message}
			return err
		})
		swapped := message.Commit{Card: made.Card, Message: append(bytes.Clone(made.Message), 0)}
		if err := cleo.take(swapped); !errors.Is(err, convo.ErrRefused) {
			t.Errorf("got %v, want it refused", err)
		}
		must(t, cleo.take(made))
		if !bytes.Equal(cleo.authenticator(group), anna.authenticator(group)) {
			t.Error("cleo did not enter the epoch")
		}
	})
}

// TestFloodOfQuestions: who asks without end gets an answer now and then.
func TestFloodOfQuestions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := newPeople(t, "anna", "bert", "cleo")
		anna, bert := all[0], all[1]
		group := newGroup(t, all...)
		var head message.EpochName
		anna.view(func(tx *store.Tx) error {
			row, err := tx.Group(group)
			head = row.Epoch
			return err
		})
		for n := range 400 {
			body := []message.Body{
				&message.Ask{Head: message.EpochName{byte(n)}}, &message.InfoAsk{Epoch: head},
				&message.CardAsk{Who: []rpc.Identity{all[2].id.ID()}}, &message.Report{Head: message.EpochName{byte(n), 1}},
			}[n%4]
			control, err := message.NewControl(bert.id.ID(), anna.id.ID(), group, body, bert.id.Sign)
			must(t, err)
			must(t, anna.engine.Update(t.Context(), func(tx *store.Tx, fx *news.Effects) error {
				return anna.groups.Control(tx, fx, control, body)
			}))
			time.Sleep(100 * time.Millisecond)
		}
		anna.view(func(tx *store.Tx) error {
			n, err := tx.CountOutgoingFor(bert.id.ID())
			if n > 10 {
				t.Errorf("%d answers wait for bert", n)
			}
			return err
		})
	})
}

// TestRemoveEachOther: two admins remove each other at once. The senior one stays,
// the other is told, and everybody agrees.
func TestRemoveEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := newPeople(t, "anna", "bert", "cleo", "dora")
		anna, bert, cleo, dora := all[0], all[1], all[2], all[3]
		group, id := promoted(t, all...)
		must(t, anna.groups.Remove(t.Context(), id, bert.id.ID()))
		must(t, bert.groups.Remove(t.Context(), id, anna.id.ID()))
		settle(group, anna, cleo)
		settle(group, bert, dora)
		quiet(group, all...)
		together(group, anna, cleo, dora)
		s, err := bert.groups.Shape(t.Context(), id)
		must(t, err)
		if s.Conversation.Status != StatusRemoved || s.RemovedBy != anna.id.ID() {
			t.Errorf("bert is %q, removed by %x", s.Conversation.Status, s.RemovedBy)
		}
	})
}

// TestInviteTwice: two admins who do not see each other invite the same person, and one
// of them once more. It gets one seat, and reads what is said after that.
func TestInviteTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := newPeople(t, "anna", "bert", "cleo", "dora")
		anna, bert, cleo, dora := all[0], all[1], all[2], all[3]
		group, id := promoted(t, anna, bert, cleo)
		invite := []rpc.Identity{dora.id.ID()}
		must(t, anna.groups.Invite(t.Context(), id, invite))
		must(t, anna.groups.Invite(t.Context(), id, invite))
		must(t, anna.engine.Start(t.Context(), dora.id.ID(), dora.keyPackage(nil)))
		must(t, bert.groups.Invite(t.Context(), id, invite))
		must(t, bert.engine.Start(t.Context(), dora.id.ID(), dora.keyPackage(nil)))
		for _, p := range []*person{anna, bert} {
			_, err := p.groups.Tend(t.Context(), group)
			must(t, err)
		}
		bert.carry(dora) // the Welcome of the branch that loses comes first
		settle(group, bert, dora)
		quiet(group, all...)
		together(group, all...)
		if err := anna.groups.Invite(t.Context(), id, invite); !errors.Is(err, ErrMember) {
			t.Errorf("invite of a member: got %v, want ErrMember", err)
		}
		_, err := dora.groups.Send(t.Context(), id, chat("hello"))
		must(t, err)
		settle(group, all...)
		for _, p := range []*person{anna, bert, cleo} {
			if got := p.texts(id); !slices.Equal(got, []string{"hello"}) {
				t.Errorf("%s shows %q", p.profile.Name(), got)
			}
		}
	})
}

// texts is what p shows of a conversation.
func (p *person) texts(id [16]byte) (all []string) {
	p.t.Helper()
	p.view(func(tx *store.Tx) error {
		list, err := tx.History(id, nil, 0)
		for _, m := range list {
			parsed, err := message.Parse(m.Body)
			must(p.t, err)
			all = append(all, parsed.Text)
		}
		return err
	})
	return all
}

// TestLeaveApart: somebody leaves while nobody sees it, and the others go on.
func TestLeaveApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := newPeople(t, "anna", "bert", "cleo", "dora")
		anna, bert, cleo, dora := all[0], all[1], all[2], all[3]
		group, id := promoted(t, all...)
		must(t, cleo.groups.Leave(t.Context(), id))
		must(t, anna.groups.Rename(t.Context(), id, "one"))
		must(t, bert.groups.Rename(t.Context(), id, "two"))
		settle(group, anna, dora)
		settle(group, bert, cleo)
		quiet(group, all...)
		together(group, anna, bert, dora)
	})
}

// TestHiddenCommits: who is removed brings out 20 commits that it had made before and
// shown to nobody. They change nothing.
func TestHiddenCommits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := newPeople(t, "anna", "bert", "cleo")
		anna, bert, cleo := all[0], all[1], all[2]
		group := newGroup(t, all...)
		id := charter.ConversationID(group)
		for range 20 {
			must(t, bert.groups.Update(t.Context(), id))
			_, err := bert.groups.Tend(t.Context(), group)
			must(t, err)
		}
		must(t, anna.groups.Remove(t.Context(), id, bert.id.ID()))
		settle(group, anna, cleo)
		together(group, anna, cleo)
		_, err := anna.groups.Send(t.Context(), id, chat("without bert"))
		must(t, err)
		settle(group, anna, cleo)
		quiet(group, all...)
		together(group, anna, cleo)
		if got := bert.texts(id); len(got) > 0 {
			t.Errorf("bert reads %q", got)
		}
	})
}

// TestReadOnce: a message that was read does not decrypt again after a change to
// another branch and back.
func TestReadOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := newPeople(t, "anna", "bert", "cleo")
		anna, bert, cleo := all[0], all[1], all[2]
		group, id := promoted(t, all...)
		_, err := anna.groups.Send(t.Context(), id, chat("once"))
		must(t, err)
		var payload []byte
		anna.view(func(tx *store.Tx) error {
			rows, err := tx.OutgoingFresh(cleo.id.ID(), 0)
			for _, row := range rows {
				if row.Kind == store.KindMessage {
					payload = row.Payload
				}
			}
			return err
		})
		settle(group, all...)
		must(t, bert.groups.Rename(t.Context(), id, "there"))
		settle(group, bert, cleo) // cleo goes to bert's epoch,
		must(t, anna.groups.Rename(t.Context(), id, "back"))
		quiet(group, all...) // and to another one below the first
		together(group, all...)
		in := store.Incoming{ID: 1 << 40, Payload: payload, Via: "direct", Received: time.Now()}
		if err := cleo.engine.Receive(t.Context(), in); !errors.Is(err, convo.ErrRefused) {
			t.Errorf("the same payload again: got %v, want it refused", err)
		}
		if got := cleo.texts(id); !slices.Equal(got, []string{"once"}) {
			t.Errorf("cleo shows %q", got)
		}
	})
}

// TestThirtyDays: two halves of a group are apart for 30 days, all keys of what is
// not the head are erased, and all of one half come back at once.
func TestThirtyDays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := newPeople(t, "anna", "bert", "cleo", "dora", "emil")
		group, id := promoted(t, all...)
		left, right := all[:1], all[1:]
		for week := range 4 {
			time.Sleep(7*24*time.Hour + time.Hour)
			for _, side := range [][]*person{left, right} {
				must(t, side[0].groups.Rename(t.Context(), id, fmt.Sprintf("%s %d", side[0].profile.Name(), week)))
				settle(group, side...)
			}
		}
		_, err := all[4].groups.Send(t.Context(), id, chat("from the other side"))
		must(t, err)
		for i := range all { // the keys to write to each other have changed
			for j := range all {
				if i != j {
					blob, err := all[j].keys.Hybrid(t.Context(), time.Now())
					must(t, err)
					must(t, all[i].engine.LearnHybridKey(t.Context(), all[j].id.ID(), blob))
				}
			}
		}
		quiet(group, all...)
		quiet(group, all...)
		together(group, all...)
		for _, p := range all {
			if got := p.texts(id); !slices.Equal(got, []string{"from the other side"}) {
				t.Errorf("%s shows %q", p.profile.Name(), got)
			}
		}
	})
}

// TestPlanKeepsRules: wishes that do not go together hold up nothing.
func TestPlanKeepsRules(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := newPeople(t, "anna", "bert", "cleo", "dora")
		anna, bert, cleo, dora := all[0], all[1], all[2], all[3]
		group, id := promoted(t, all...)
		must(t, anna.groups.Promote(t.Context(), id, cleo.id.ID()))
		settle(group, all...)
		// bert wants to demote cleo, who is senior to it by the time it may.
		must(t, bert.groups.Demote(t.Context(), id, cleo.id.ID()))
		must(t, anna.groups.Demote(t.Context(), id, bert.id.ID()))
		settle(group, anna, cleo, dora)
		must(t, anna.groups.Promote(t.Context(), id, bert.id.ID()))
		quiet(group, anna, cleo, dora)
		must(t, anna.groups.Promote(t.Context(), id, dora.id.ID()))
		must(t, anna.groups.Remove(t.Context(), id, dora.id.ID()))
		must(t, anna.groups.Rename(t.Context(), id, "goes on"))
		quiet(group, all...)
		together(group, anna, bert, cleo)
		s, err := bert.groups.Shape(t.Context(), id)
		must(t, err)
		if s.Conversation.Name != "goes on" {
			t.Errorf("the group is named %q", s.Conversation.Name)
		}
	})
}
