package convo

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"quicnprotochat/mls"
	"quicnprotochat/node/convo/news"
	"quicnprotochat/node/message"
	"quicnprotochat/node/store"
	"quicnprotochat/transport"
)

// lose notes all that waits for q as taken by its machine, though it never gets
// there: refused for a key package that is used up, or lost with a disk.
func (p *person) lose(q *person) {
	p.t.Helper()
	p.prepare(q)
	rows, _ := p.outbox(q)
	for _, row := range rows {
		if err := p.engine.Direct(p.t.Context(), row, transport.PathDirect, "taken", nil); err != nil {
			p.t.Fatal(err)
		}
	}
}

// renew makes all that was taken and has no receipt due.
func (p *person) renew(q *person) {
	p.t.Helper()
	ages := RenewAges{Taken: -time.Second, Stored: -time.Second, Seen: true}
	if err := p.engine.Renew(p.t.Context(), q.id.ID(), ages); err != nil {
		p.t.Fatal(err)
	}
}

func (p *person) wantOutboxEmpty() {
	p.t.Helper()
	var n int
	err := p.store.View(p.t.Context(), func(tx *store.Tx) (err error) { n, err = tx.CountOutgoing(); return err })
	if err != nil || n != 0 {
		p.t.Errorf("outbox of %s: got %d rows, %v, want none", p.name, n, err)
	}
}

// TestTakenAndLost loses what begins a conversation after somebody has taken it.
func TestTakenAndLost(t *testing.T) {
	t.Run("introduction", func(t *testing.T) {
		a, b := newPerson(t, "alice"), newPerson(t, "bob")
		a.add(b.link())
		a.lose(b)
		a.renew(b)
		if n, err := a.engine.Needs(t.Context(), b.id.ID()); err != nil || !n.NewerKey {
			t.Errorf("sealed to a key without effect: needs %+v, %v, want a newer key", n, err)
		}
		settle(a, b)
		if n, err := a.engine.Needs(t.Context(), b.id.ID()); err != nil || n.NewerKey {
			t.Errorf("with the key of now: needs %+v, %v, want no newer key", n, err)
		}
		if len(b.events) != 1 {
			t.Errorf("events of bob: got %d, want the new contact", len(b.events))
		}
		a.wantOutboxEmpty()
	})
	t.Run("welcome", func(t *testing.T) {
		a, b := newPerson(t, "alice"), newPerson(t, "bob")
		a.add(b.link())
		settle(a, b)
		a.send(b, "one")
		a.lose(b)
		a.send(b, "two")
		a.renew(b)
		settle(a, b)
		if got, want := b.history(a), []string{"alice: one", "alice: two"}; !slices.Equal(got, want) {
			t.Errorf("bob shows %q, want %q", got, want)
		}
		a.wantAllDelivered(b)
		a.wantOutboxEmpty()
	})
	t.Run("welcome of the better group", func(t *testing.T) {
		a, b := newPerson(t, "alice"), newPerson(t, "bob")
		if bytes.Compare(a.key(), b.key()) > 0 {
			a, b = b, a // the smaller creator's group is the better one
		}
		a.add(b.link())
		b.add(a.link())
		settle(a, b)
		a.send(b, "from a")
		b.send(a, "from b")
		a.lose(b)
		settle(a, b)
		a.renew(b)
		settle(a, b)
		if got := b.history(a); len(got) != 2 {
			t.Errorf("shown: got %q, want both messages", got)
		}
		for _, p := range []*person{a, b} {
			p.wantOutboxEmpty()
		}
		a.wantAllDelivered(b)
		b.wantAllDelivered(a)
	})
}

// TestBothStartOutbox lets both start: nothing stays for the group that lost.
func TestBothStartOutbox(t *testing.T) {
	a, b := newPerson(t, "alice"), newPerson(t, "bob")
	a.add(b.link())
	b.add(a.link())
	a.send(b, "from a")
	b.send(a, "from b")
	a.prepare(b)
	b.prepare(a)
	settle(a, b)
	a.wantOutboxEmpty()
	b.wantOutboxEmpty()
}

func (p *person) key() []byte { id := p.id.ID(); return id[:] }

// TestTooFarAhead loses more messages in a row than the other side can skip.
func TestTooFarAhead(t *testing.T) {
	a, b := newPerson(t, "alice"), newPerson(t, "bob")
	a.add(b.link())
	a.send(b, "one")
	settle(a, b)
	m := a.send(b, "two")
	err := a.store.Update(t.Context(), func(tx *store.Tx) error {
		c, err := tx.Conversation(m.Conversation)
		for range mls.MaxForward + 1 {
			if err := tx.DeleteOutgoingMessage(m.Conversation, m.ID); err != nil {
				return err
			}
			if err := a.engine.encrypt(tx, &news.Effects{}, c, m); err != nil {
				return err
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	settle(a, b)
	b.restart()
	settle(a, b)
	if got, want := b.history(a), []string{"alice: one", "alice: two"}; !slices.Equal(got, want) {
		t.Errorf("bob shows %q, want %q", got, want)
	}
	a.wantAllDelivered(b)
	b.send(a, "three")
	settle(a, b)
	b.wantAllDelivered(a)
	a.wantOutboxEmpty()
	b.wantOutboxEmpty()
}

// TestReceiptMessage takes a receipt that is an application message: it counts,
// is not shown and gets no receipt.
func TestReceiptMessage(t *testing.T) {
	a, b := newPerson(t, "alice"), newPerson(t, "bob")
	a.add(b.link())
	a.send(b, "one")
	settle(a, b)
	two := a.send(b, "two")
	body, err := (&message.Message{Type: message.DeliveryReceipt, Receipt: &message.Receipt{
		Author: a.id.ID(), Ranges: message.Ranges{{Lo: two.Counter, Hi: two.Counter}},
	}}).Encode()
	if err != nil {
		t.Fatal(err)
	}
	err = b.store.Update(t.Context(), func(tx *store.Tx) error {
		c, err := tx.ConversationOf(a.id.ID())
		if err != nil {
			return err
		}
		return b.engine.encrypt(tx, &news.Effects{}, c, store.Message{ID: [16]byte{1}, Body: body, Counter: 1, Lamport: 9, Sent: testTime()})
	})
	if err != nil {
		t.Fatal(err)
	}
	rows, _ := b.outbox(a)
	a.take(b, rows[0].Payload)
	a.wantAllDelivered(b)
	if got, want := a.history(b), []string{"alice: one", "alice: two"}; !slices.Equal(got, want) {
		t.Errorf("alice shows %q, want %q", got, want)
	}
	if _, receipt := a.outbox(b); receipt != nil {
		t.Error("a receipt got a receipt")
	}
}

// TestReceiptBeforeAcknowledgement lets the receipt be faster than the note of
// who took the message: the path is told all the same.
func TestReceiptBeforeAcknowledgement(t *testing.T) {
	for _, via := range []string{"direct", PathMailbox} {
		a, b := newPerson(t, "alice"), newPerson(t, "bob")
		a.add(b.link())
		a.send(b, "one")
		settle(a, b)
		m := a.send(b, "two")
		rows, _ := a.outbox(b)
		b.take(a, rows[0].Payload)
		_, receipt := b.outbox(a)
		a.takeVia(b, receipt.Payload, via)
		if via == PathMailbox {
			if err := a.engine.Stored(t.Context(), rows[0], transport.Key{1}, "taken", nil); err != nil {
				t.Fatal(err)
			}
		}
		err := a.store.View(t.Context(), func(tx *store.Tx) error {
			got, err := tx.Message(m.Conversation, m.Author, m.ID)
			if got.State != StateDelivered || got.Path != via {
				t.Errorf("got %s by %s, want delivered by %s", got.State, got.Path, via)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
