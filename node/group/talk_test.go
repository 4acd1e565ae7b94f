package group

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"quicnprotochat/node/charter"
	"quicnprotochat/node/convo"
	"quicnprotochat/node/message"
	"quicnprotochat/node/store"
)

// pay brings the receipts that are owed to who they are owed to, and returns how many
// there were.
func pay(all ...*person) (receipts int) {
	for _, p := range all {
		for _, author := range all {
			r, err := p.engine.Receipt(p.t.Context(), author.id.ID())
			must(p.t, err)
			if r == nil {
				continue
			}
			receipts++
			must(p.t, author.receive(p, r.Payload))
			must(p.t, p.engine.Receipted(p.t.Context(), r))
		}
	}
	return receipts
}

// state is what p knows of its message.
func (p *person) state(m store.Message) (state string) {
	p.t.Helper()
	p.view(func(tx *store.Tx) error {
		got, err := tx.Message(m.Conversation, p.id.ID(), m.ID)
		state = got.State
		return err
	})
	return state
}

// TestReceiptsGrow counts the receipts of a message, or of ten in a row: one of each
// member to the author, and none among the others.
func TestReceiptsGrow(t *testing.T) {
	for _, n := range []int{3, 9} {
		synctest.Test(t, func(t *testing.T) {
			var names []string
			for i := range n {
				names = append(names, fmt.Sprint("person ", i))
			}
			all := newPeople(t, names...)
			group := newGroup(t, all...)
			for _, messages := range []int{1, 10} {
				var last store.Message
				for i := range messages {
					m, err := all[1].groups.Send(t.Context(), charter.ConversationID(group), chat(fmt.Sprint(i)))
					must(t, err)
					last = m
				}
				settle(group, all...)
				if got := pay(all...); got != n-1 {
					t.Errorf("%d members, %d messages: got %d receipts, want %d", n, messages, got, n-1)
				}
				if got := all[1].state(last); got != convo.StateDelivered {
					t.Errorf("%d members: the message is %s", n, got)
				}
				if got := pay(all...); got != 0 {
					t.Errorf("%d members: %d receipts of receipts", n, got)
				}
			}
		})
	}
}

// TestReadReceiptsOfGroup: the author learns that all have read a message, and never
// of who does not tell.
func TestReadReceiptsOfGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := newPeople(t, "anna", "bert", "cleo")
		anna, bert, cleo := all[0], all[1], all[2]
		group := newGroup(t, all...)
		id := charter.ConversationID(group)
		say := func(text string) store.Message {
			m, err := anna.groups.Send(t.Context(), id, chat(text))
			must(t, err)
			settle(group, all...)
			return m
		}
		read := func() {
			for _, p := range []*person{bert, cleo} {
				must(t, p.engine.Read(t.Context(), id, nil, true))
			}
			pay(all...)
		}
		one := say("one")
		pay(all...)
		if got := anna.state(one); got != convo.StateDelivered {
			t.Errorf("nobody has looked, and it is %s", got)
		}
		read()
		if got := anna.state(one); got != convo.StateRead {
			t.Errorf("both have read, and it is %s", got)
		}
		must(t, cleo.engine.Adjust(t.Context(), id, cleo.id.ID(), func(c *store.Conversation) { c.NoReadReceipts = true }))
		must(t, cleo.store.Close())
		cleo.open()
		two := say("two")
		read()
		if got := anna.state(two); got != convo.StateDelivered {
			t.Errorf("cleo does not tell, and it is %s", got)
		}
		must(t, cleo.engine.Adjust(t.Context(), id, cleo.id.ID(), func(c *store.Conversation) { c.NoReadReceipts = false }))
		three := say("three")
		read()
		if got := anna.state(three); got != convo.StateRead {
			t.Errorf("cleo tells again, and it is %s", got)
		}
	})
}

// TestTypingMost: up to 32 members are told who types, and none of a larger group.
func TestTypingMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		anna := newPeople(t, "anna")[0]
		c, err := anna.groups.Create(t.Context(), "group", nil)
		must(t, err)
		for _, step := range []struct{ add, notes int }{{31, 31}, {1, 0}} {
			packages := anna.acquaintances(step.add)
			must(t, anna.groups.Invite(t.Context(), c.ID, slices.Collect(maps.Keys(packages))))
			for who, kp := range packages {
				must(t, anna.engine.Start(t.Context(), who, kp))
			}
			time.Sleep(time.Minute)
			_, err := anna.groups.Tend(t.Context(), c.Group)
			must(t, err)
			members := len(anna.members(c.Group))
			notes, err := anna.engine.Typing(t.Context(), c.ID)
			if err != nil || len(notes) != step.notes {
				t.Errorf("%d members: got %d notes, %v, want %d", members, len(notes), err, step.notes)
			}
		}
	})
}

// TestUnknownKind: a message of a kind that a later version may know is kept, also over
// a restart, and its author gets a receipt.
func TestUnknownKind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := newPeople(t, "anna", "bert", "cleo")
		anna, cleo := all[0], all[2]
		group := newGroup(t, all...)
		id := charter.ConversationID(group)
		m, err := anna.groups.Send(t.Context(), id, &message.Message{Type: 0x77, Raw: []byte{1, 2, 3}})
		must(t, err)
		settle(group, all...)
		pay(all...)
		if got := anna.state(m); got != convo.StateDelivered {
			t.Errorf("it is %s", got)
		}
		must(t, cleo.store.Close())
		cleo.open()
		cleo.view(func(tx *store.Tx) error {
			lines, err := tx.History(id, nil, 0)
			if len(lines) != 1 {
				t.Fatalf("%d lines, %v", len(lines), err)
			}
			got, err := message.Parse(lines[0].Body)
			if err != nil || got.Type != 0x77 || !slices.Equal(got.Raw, []byte{1, 2, 3}) {
				t.Errorf("got %+v, %v", got, err)
			}
			return nil
		})
	})
}
