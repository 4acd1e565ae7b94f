package convo

import (
	"errors"
	"testing"

	"quicnprotochat/node/convo/news"
	"quicnprotochat/node/message"
	"quicnprotochat/node/store"
	"quicnprotochat/rpc"
)

func (p *person) update(fn func(tx *store.Tx, fx *news.Effects) error) {
	p.t.Helper()
	if err := p.engine.Update(p.t.Context(), fn); err != nil {
		p.t.Fatal(err)
	}
}

// TestBlocked takes nothing of somebody who is blocked: no message, no card, no new
// group; and all of it again after that.
func TestBlocked(t *testing.T) {
	a, b := pairOf(t)
	a.update(func(tx *store.Tx, fx *news.Effects) error {
		return errors.Join(tx.Block(b.id.ID(), testTime()), a.engine.Cancel(tx, fx))
	})
	if _, err := a.engine.Send(t.Context(), b.id.ID(), chat("x")); !errors.Is(err, ErrBlocked) {
		t.Errorf("sent: %v", err)
	}
	a.view(func(tx *store.Tx) error {
		n, err := tx.CountOutgoingFor(b.id.ID())
		if n != 0 {
			t.Errorf("who is blocked gets %d rows", n)
		}
		return err
	})
	b.send(a, "let me in")
	for _, p := range waiting(b, a) {
		if err := a.try(b, p); !errors.Is(err, ErrRefused) {
			t.Errorf("a message: %v", err)
		}
	}
	err := b.engine.Announce(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b.prepare(a)
	rows, _ := b.outbox(a)
	tried := 0
	for _, row := range rows {
		if row.Kind == store.KindControl {
			tried++
			if err := a.try(b, row.Payload); !errors.Is(err, ErrRefused) {
				t.Errorf("a card: %v", err)
			}
		}
	}
	if tried == 0 {
		t.Error("no card was tried")
	}
	b.update(func(tx *store.Tx, fx *news.Effects) error {
		c, err := tx.ConversationOf(a.id.ID())
		if err != nil {
			return err
		}
		return b.engine.startOver(tx, fx, c.ID, c.Group)
	})
	b.prepare(a)
	rows, _ = b.outbox(a)
	for _, row := range rows {
		if row.Kind == store.KindWelcome {
			if err := a.try(b, row.Payload); !errors.Is(err, ErrRefused) {
				t.Errorf("a Welcome: %v", err)
			}
		}
	}
	if got := a.looks(b); len(got) != 2 {
		t.Errorf("shown: %+v", got)
	}
	a.update(func(tx *store.Tx, _ *news.Effects) error { return tx.Unblock(b.id.ID()) })
	a.send(b, "come in")
	settle(a, b)
}

// TestChangedKeyStopsSending sends nothing while a relay names somebody else.
func TestChangedKeyStopsSending(t *testing.T) {
	a, b := pairOf(t)
	set := func(to rpc.Identity) {
		a.update(func(tx *store.Tx, _ *news.Effects) error {
			c, err := tx.Contact(b.id.ID())
			if err != nil {
				return err
			}
			c.Changed = to
			return tx.PutContact(c)
		})
	}
	set(rpc.Identity{9})
	a.restart()
	if _, err := a.engine.Send(t.Context(), b.id.ID(), chat("x")); !errors.Is(err, ErrChanged) {
		t.Errorf("got %v", err)
	}
	set(rpc.Identity{})
	a.send(b, "x")
}

// TestNotes keeps what one writes to oneself, and sends nothing.
func TestNotes(t *testing.T) {
	a := newPerson(t, "ann")
	note := a.send(a, "milk")
	a.say(a, &message.Message{Type: message.Edit, Ref: note.ID, Text: "oat milk"})
	if got := a.looks(a); len(got) != 1 || got[0].Text != "oat milk" || note.State != StateDelivered {
		t.Errorf("got %+v, %s", got, note.State)
	}
	a.view(func(tx *store.Tx) error {
		n, err := tx.CountOutgoing()
		waiting, err2 := tx.CountUnreceipted(note.Conversation, a.id.ID())
		if n != 0 || waiting != 0 {
			t.Errorf("%d rows go out, %d wait", n, waiting)
		}
		return errors.Join(err, err2)
	})
	if ids, err := a.engine.Waiting(t.Context()); err != nil || len(ids) != 0 {
		t.Errorf("waiting: %v, %v", ids, err)
	}
}
