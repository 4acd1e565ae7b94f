package group

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"quicnprotochat/node/charter"
	"quicnprotochat/node/convo"
	"quicnprotochat/node/message"
	"quicnprotochat/node/store"
)

// epochs counts the epochs of a group that p has keys of, in the store and in memory.
func (p *person) epochs(group []byte) (n int) {
	p.t.Helper()
	p.view(func(tx *store.Tx) error {
		all, err := tx.Epochs()
		for _, e := range all {
			if string(e.Group) == string(group) {
				n++
			}
		}
		commits, _ := tx.Commits(group)
		for _, c := range commits {
			if _, _, err := p.engine.Epoch(tx, c.Name); err == nil {
				n++
			}
		}
		return err
	})
	return n
}

// TestRemovedForgets: who is removed erases the keys of the last epoch, and of those
// before it, soon after nobody but the most senior member could undo that (RFC 9420,
// §12.4.2). A message that comes late opens until then. It knows on what it was, and
// comes in again by a new invitation.
func TestRemovedForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := newPeople(t, "anna", "bert", "cleo")
		anna, bert, cleo := all[0], all[1], all[2]
		group, id := promoted(t, all...)
		for _, text := range []string{"late", "too late"} {
			_, err := bert.groups.Send(t.Context(), id, chat(text))
			must(t, err)
		}
		late := bert.payloads(cleo)
		must(t, anna.groups.Remove(t.Context(), id, cleo.id.ID()))
		settle(group, anna, cleo)
		if s, err := cleo.groups.Shape(t.Context(), id); err != nil || s.Conversation.Status != StatusRemoved || len(s.Authenticator) == 0 {
			t.Fatalf("cleo is %q, %v", s.Conversation.Status, err)
		}
		must(t, cleo.receive(bert, late[0]))
		time.Sleep(11 * time.Minute)
		settle(group, cleo)
		if n := cleo.epochs(group); n != 0 {
			t.Errorf("cleo has keys of the group in %d places", n)
		}
		if err := cleo.receive(bert, late[1]); !errors.Is(err, convo.ErrWaiting) {
			t.Errorf("got %v, want that no key opens it", err)
		}
		if r, err := cleo.engine.Receipt(t.Context(), bert.id.ID()); err != nil || r != nil {
			t.Errorf("a receipt of who has no keys: got %v, %v", r, err)
		}
		must(t, cleo.store.Close())
		cleo.open()
		quiet(group, all...)
		together(group, anna, bert)
		s, err := cleo.groups.Shape(t.Context(), id)
		must(t, err)
		if s.Conversation.Status != StatusRemoved || s.RemovedBy != anna.id.ID() || s.Epoch == 0 || len(s.Members) != 3 {
			t.Errorf("cleo sees %+v", s)
		}
		if cleo.asks(group, anna, message.ControlInfoAsk) || cleo.asks(group, bert, message.ControlInfoAsk) {
			t.Error("cleo asks for the keys of a group that she is not in")
		}
		if got := cleo.texts(id); !slices.Equal(got, []string{"late"}) {
			t.Errorf("cleo shows %q", got)
		}
		must(t, anna.groups.Invite(t.Context(), id, identities(cleo)))
		comeIn(group, anna, all)
		together(group, all...)
	})
}

// asks reports whether p has a question of a kind for q now.
func (p *person) asks(group []byte, q *person, kind message.ControlType) (asks bool) {
	p.t.Helper()
	time.Sleep(time.Hour) // or longer than any pause between two questions
	_, err := p.groups.Tend(p.t.Context(), group)
	must(p.t, err)
	p.view(func(tx *store.Tx) error {
		rows, err := tx.OutgoingFresh(q.id.ID(), 0)
		for _, row := range rows {
			asks = asks || row.Kind == store.KindControl && row.Message[0] == byte(kind)
		}
		return err
	})
	return asks
}

// payloads returns the messages that p has for q, sealed.
func (p *person) payloads(q *person) (payloads [][]byte) {
	p.t.Helper()
	p.view(func(tx *store.Tx) error {
		rows, err := tx.OutgoingFresh(q.id.ID(), 0)
		for _, row := range rows {
			if row.Kind == store.KindMessage {
				payloads = append(payloads, row.Payload)
			}
		}
		return err
	})
	return payloads
}

// TestLeaverForgets: so does who has left.
func TestLeaverForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := newPeople(t, "anna", "bert", "cleo")
		cleo := all[2]
		group := newGroup(t, all...)
		must(t, cleo.groups.Leave(t.Context(), charter.ConversationID(group)))
		settle(group, all...)
		together(group, all[:2]...)
		time.Sleep(11 * time.Minute)
		settle(group, all...)
		if n := cleo.epochs(group); n != 0 {
			t.Errorf("cleo has keys of the group in %d places", n)
		}
	})
}

// TestRemoveUndone: where somebody senior could still undo it, the keys stay for a
// week. Who has erased them then, and is a member on the branch that wins in the end,
// comes back from outside.
func TestRemoveUndone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := newPeople(t, "anna", "bert", "cleo")
		anna, bert, cleo := all[0], all[1], all[2]
		group, id := promoted(t, all...)
		must(t, anna.groups.Rename(t.Context(), id, "anna's")) // while nobody hears her
		settle(group, anna)
		must(t, bert.groups.Remove(t.Context(), id, cleo.id.ID()))
		settle(group, bert, cleo)
		time.Sleep(6 * 24 * time.Hour)
		settle(group, cleo)
		if cleo.epochs(group) == 0 {
			t.Fatal("cleo has erased keys that she may need")
		}
		time.Sleep(25 * time.Hour)
		settle(group, cleo)
		if n := cleo.epochs(group); n != 0 {
			t.Fatalf("cleo has keys of the group in %d places", n)
		}
		for _, p := range all {
			for _, q := range all {
				if p != q {
					p.meet(q)
				}
			}
		}
		quiet(group, anna, cleo) // bert is away for good
		s, err := cleo.groups.Shape(t.Context(), id)
		must(t, err)
		if s.Conversation.Name != "anna's" || s.Conversation.Status != StatusIn || externals(anna, group) == 0 {
			t.Errorf("cleo is in %q, %q", s.Conversation.Name, s.Conversation.Status)
		}
		if got, want := cleo.authenticator(group), anna.authenticator(group); !slices.Equal(got, want) {
			t.Error("cleo is in another epoch than anna")
		}
	})
}
