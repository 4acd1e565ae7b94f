package convo

import (
	"context"
	"slices"
	"testing"
	"time"

	"quicnprotochat/node/convo/news"
	"quicnprotochat/node/convo/pair"
	"quicnprotochat/node/message"
	"quicnprotochat/node/store"
	"quicnprotochat/node/timeline"
	"quicnprotochat/transport"
)

// say sends any message.
func (p *person) say(to *person, what *message.Message) store.Message {
	p.t.Helper()
	m, err := p.engine.Send(context.Background(), to.id.ID(), what)
	if err != nil {
		p.t.Fatal(err)
	}
	return m
}

// looks is what p sees of the conversation with q.
func (p *person) looks(q *person) (views []timeline.View) {
	p.t.Helper()
	err := p.store.View(context.Background(), func(tx *store.Tx) error {
		rows, err := tx.History(pair.ID(p.id.ID(), q.id.ID()), nil, 0)
		for _, m := range rows {
			v, err := timeline.Look(tx, m)
			if err != nil {
				return err
			}
			views = append(views, v)
		}
		return err
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return views
}

// waiting returns the payloads that from has for to, and says that they were taken.
func waiting(from, to *person) (payloads [][]byte) {
	rows, _ := from.outbox(to)
	for _, row := range rows {
		if row.DirectAt.IsZero() && row.Kind == store.KindMessage {
			payloads = append(payloads, row.Payload)
			if err := from.engine.Direct(context.Background(), row, transport.PathDirect, "taken", nil); err != nil {
				from.t.Fatal(err)
			}
		}
	}
	return payloads
}

func pairOf(t *testing.T) (a, b *person) {
	t.Helper()
	a, b = newPerson(t, "ann"), newPerson(t, "bob")
	a.add(b.link())
	a.send(b, "first")
	settle(a, b)
	b.send(a, "second")
	settle(a, b)
	return a, b
}

// TestMarksCross lets an edit, a reaction and a deletion come before what they are
// about: both sides see the same in the end, and all is receipted.
func TestMarksCross(t *testing.T) {
	a, b := pairOf(t)
	typo := a.send(b, "helo")
	a.say(b, &message.Message{Type: message.Edit, Ref: typo.ID, Text: "hello"})
	oops := a.send(b, "not for you")
	a.say(b, &message.Message{Type: message.Delete, Ref: oops.ID})
	a.say(b, &message.Message{Type: message.Reaction, Ref: typo.ID, Text: "✏"})
	payloads := waiting(a, b)
	if len(payloads) != 4 {
		t.Fatalf("%d payloads: what was deleted is sent still, or a mark is not", len(payloads))
	}
	slices.Reverse(payloads)
	for _, p := range payloads {
		b.take(a, p)
	}
	settle(a, b)
	for _, p := range []*person{a, b} {
		other := map[*person]*person{a: b, b: a}[p]
		got := p.looks(other)
		got = slices.DeleteFunc(got, func(v timeline.View) bool { return v.Deleted })
		if len(got) != 3 || got[2].Text != "hello" || len(got[2].Reactions) != 1 {
			t.Errorf("%s sees %+v", p.name, got)
		}
	}
	a.view(func(tx *store.Tx) error {
		left, err := tx.Unreceipted(pair.ID(a.id.ID(), b.id.ID()), a.id.ID())
		if len(left) > 0 {
			t.Errorf("without a receipt: %+v", left)
		}
		return err
	})
}

func (p *person) view(fn func(tx *store.Tx) error) {
	p.t.Helper()
	if err := p.store.View(context.Background(), fn); err != nil {
		p.t.Fatal(err)
	}
}

// TestMarksMove starts a new group while marks are on their way: they are encrypted
// again like messages.
func TestMarksMove(t *testing.T) {
	a, b := pairOf(t)
	hello := b.send(a, "hello")
	settle(a, b)
	a.say(b, &message.Message{Type: message.Reaction, Ref: hello.ID, Text: "👍"})
	waiting(a, b) // and lost
	err := a.engine.Update(t.Context(), func(tx *store.Tx, fx *news.Effects) error {
		c, err := tx.ConversationOf(b.id.ID())
		if err != nil {
			return err
		}
		return a.engine.startOver(tx, fx, c.ID, c.Group)
	})
	if err != nil {
		t.Fatal(err)
	}
	settle(a, b)
	if got := b.looks(a); len(got[2].Reactions) != 1 {
		t.Errorf("got %+v", got)
	}
}

// TestOthersCannotEdit refuses what a changed program of a contact sends.
func TestOthersCannotEdit(t *testing.T) {
	a, b := pairOf(t)
	mine := a.send(b, "mine")
	settle(a, b)
	err := b.engine.Update(t.Context(), func(tx *store.Tx, fx *news.Effects) error {
		c, err := tx.ConversationOf(a.id.ID())
		if err != nil {
			return err
		}
		c.Counter++
		what := &message.Message{Type: message.Edit, Ref: mine.ID, Text: "yours"}
		body, err := what.Encode()
		if err != nil {
			return err
		}
		m := store.Message{
			Conversation: c.ID, Author: b.id.ID(), ID: message.NewID(), Type: byte(what.Type), Body: body,
			Counter: c.Counter, Lamport: c.Lamport + 1, Sent: testTime(), Stored: testTime(), State: StateQueued, Hidden: true,
		}
		if err := tx.InsertMessage(m); err != nil {
			return err
		}
		return b.engine.encrypt(tx, fx, c, m)
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range waiting(b, a) {
		if err := a.try(b, p); err == nil {
			t.Error("taken")
		}
	}
	if got := a.looks(b); got[2].Text != "mine" {
		t.Errorf("got %+v", got)
	}
}

// try takes one payload and returns what the engine says to it.
func (p *person) try(from *person, payload []byte) error {
	p.t.Helper()
	var id int64
	err := p.store.Update(context.Background(), func(tx *store.Tx) (err error) {
		id, _, err = tx.AddIncoming(store.Incoming{Hash: [32]byte(payload[40:72]), Payload: payload, Depositor: from.id.ID(), Received: testTime()})
		return err
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return p.engine.Receive(context.Background(), store.Incoming{ID: id, Payload: payload, Depositor: from.id.ID()})
}

// TestReadReceipts tells what was read, and not where that is off.
func TestReadReceipts(t *testing.T) {
	a, b := pairOf(t)
	talk := pair.ID(a.id.ID(), b.id.ID())
	one, two := a.send(b, "one"), a.send(b, "two")
	settle(a, b)
	state := func(m store.Message) (state string) {
		a.view(func(tx *store.Tx) error {
			m, err := tx.Message(talk, a.id.ID(), m.ID)
			state = m.State
			return err
		})
		return state
	}
	if got := state(one); got != StateDelivered {
		t.Fatalf("not looked at, and %s", got)
	}
	if err := b.engine.Read(t.Context(), talk, &one.ID, true); err != nil {
		t.Fatal(err)
	}
	settle(a, b)
	if state(one) != StateRead || state(two) != StateDelivered {
		t.Errorf("one is %s, two is %s", state(one), state(two))
	}
	// The receipt that it was delivered comes once more, as from a relay that is late.
	err := b.store.Update(t.Context(), func(tx *store.Tx) error {
		return tx.AddReceiptDue(store.ReceiptDue{Conversation: talk, Author: a.id.ID(), Counter: one.Counter})
	})
	if err != nil {
		t.Fatal(err)
	}
	settle(a, b)
	if got := state(one); got != StateRead {
		t.Errorf("what was read is %s after a receipt that came late", got)
	}
	off := func(c *store.Conversation) { c.NoReadReceipts = true }
	if err := b.engine.Adjust(t.Context(), talk, a.id.ID(), off); err != nil {
		t.Fatal(err)
	}
	if err := b.engine.Read(t.Context(), talk, nil, true); err != nil {
		t.Fatal(err)
	}
	settle(a, b)
	if got := state(two); got != StateDelivered {
		t.Errorf("receipts are off, and it is %s", got)
	}
}

// TestTyping says so for a moment, in an event that is not kept, and takes no step of
// a ratchet.
func TestTyping(t *testing.T) {
	a, b := pairOf(t)
	talk := pair.ID(a.id.ID(), b.id.ID())
	notes, err := a.engine.Typing(t.Context(), talk)
	if err != nil || len(notes) != 1 {
		t.Fatalf("%d notes, %v", len(notes), err)
	}
	_, before := b.eventRange()
	b.events = nil
	b.take(a, notes[b.id.ID()])
	if _, after := b.eventRange(); after != before {
		t.Error("kept")
	}
	if len(b.events) != 1 || b.events[0].Kind != news.EventTyping || b.events[0].Peer != a.id.ID() {
		t.Errorf("got %+v", b.events)
	}
	late, err := a.engine.Typing(t.Context(), talk)
	if err != nil {
		t.Fatal(err)
	}
	b.events = nil
	b.takeVia(a, late[b.id.ID()], PathMailbox)
	if len(b.events) != 0 {
		t.Error("what a relay kept is shown as of now")
	}
}

func (p *person) eventRange() (first, last int64) {
	p.view(func(tx *store.Tx) (err error) {
		first, last, err = tx.EventRange()
		return err
	})
	return first, last
}

// TestTimerBothSides sets a timer: both sides keep it, across a restart, and erase.
func TestTimerBothSides(t *testing.T) {
	a, b := pairOf(t)
	talk := pair.ID(a.id.ID(), b.id.ID())
	a.say(b, &message.Message{Type: message.Timer, After: time.Second})
	settle(a, b)
	b.send(a, "for a second")
	settle(a, b)
	for _, p := range []*person{a, b} {
		if err := p.engine.Read(t.Context(), talk, nil, false); err != nil {
			t.Fatal(err)
		}
		p.restart()
		p.view(func(tx *store.Tx) error {
			if after, err := timeline.InForce(tx, talk); after != time.Second || err != nil {
				t.Errorf("%s: %v, %v", p.name, after, err)
			}
			gone, err := tx.Expired(time.Now().Add(time.Minute), 0)
			if len(gone) != 1 {
				t.Errorf("%s: %d messages are to disappear", p.name, len(gone))
			}
			return err
		})
		for next := time.Now(); !next.IsZero(); {
			time.Sleep(time.Until(next))
			var err error
			if next, err = p.engine.expire(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if got := p.looks(map[*person]*person{a: b, b: a}[p]); len(got) != 3 {
			t.Errorf("%s sees %+v", p.name, got)
		}
	}
}
