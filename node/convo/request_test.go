package convo

import (
	"errors"
	"strings"
	"testing"

	"quicnprotochat/node/convo/news"
	"quicnprotochat/node/convo/pair"
	"quicnprotochat/node/known"
	"quicnprotochat/node/message"
	"quicnprotochat/node/store"
)

// stranger is somebody who has the card of p without a pass, and writes.
func stranger(p *person, name string, texts ...string) *person {
	p.t.Helper()
	s := newPerson(p.t, name)
	c := store.Contact{Identity: p.id.ID(), Name: p.name, Via: known.ViaName, Claim: "p@relay", Added: testTime()}
	s.update(func(tx *store.Tx, fx *news.Effects) error {
		return errors.Join(tx.PutContact(c), s.engine.Introduce(tx, fx, c, testTime()))
	})
	for _, text := range texts {
		s.send(p, text)
	}
	return s
}

// carry brings all that from has to to, and returns what was refused of it.
func carry(from, to *person) (refused int) {
	from.t.Helper()
	for range 3 {
		from.prepare(to)
		rows, _ := from.outbox(to)
		for _, row := range rows {
			if !row.DirectAt.IsZero() {
				continue
			}
			if errors.Is(to.receive(from, row.Payload), ErrRefused) {
				refused++
			}
			if err := from.engine.Direct(from.t.Context(), row, "direct", "taken", nil); err != nil {
				from.t.Fatal(err)
			}
		}
	}
	return refused
}

// TestRequest lets a stranger ask: one text is kept, and nothing is told before the
// user says yes; then all comes.
func TestRequest(t *testing.T) {
	b := newPerson(t, "bob")
	s := stranger(b, "sam", "hello, I am sam", "and more", strings.Repeat("long ", 1000))
	if refused := carry(s, b); refused != 2 {
		t.Errorf("%d payloads were refused, want the other texts", refused)
	}
	if got := b.looks(s); len(got) != 1 || got[0].Text != "hello, I am sam" {
		t.Errorf("kept: %+v", got)
	}
	for _, e := range b.events {
		if e.Kind != news.EventRequest {
			t.Errorf("told: %+v", e)
		}
	}
	if last := b.events[len(b.events)-1]; last.Message.ID == ([16]byte{}) {
		t.Errorf("told of no text: %+v", last)
	}
	if rows, receipt := b.outbox(s); len(rows) != 0 || receipt != nil {
		t.Errorf("sam is told something: %d rows, receipt %v", len(rows), receipt)
	}
	if _, err := b.engine.Send(t.Context(), s.id.ID(), chat("x")); !errors.Is(err, ErrUnknownContact) {
		t.Errorf("sent: %v", err)
	}
	b.restart()
	c, err := b.engine.Accept(t.Context(), s.id.ID())
	if err != nil || c.Name != "sam" || c.Via != known.ViaRequest {
		t.Fatalf("got %+v, %v", c, err)
	}
	settle(b, s)
	b.send(s, "hello sam")
	settle(b, s)
	if got := s.history(b); len(got) != 4 {
		t.Errorf("sam sees %v", got)
	}
	s.view(func(tx *store.Tx) error {
		left, err := tx.Unreceipted(pair.ID(s.id.ID(), b.id.ID()), s.id.ID())
		if len(left) != 2 { // they come again by the clock
			t.Errorf("without a receipt: %d", len(left))
		}
		return err
	})
	if _, err := b.engine.Accept(t.Context(), s.id.ID()); !errors.Is(err, known.ErrNoRequest) {
		t.Errorf("accepted twice: %v", err)
	}
}

// TestRefused erases what was said, and hears nothing more; nothing stays of it.
func TestRefused(t *testing.T) {
	b := newPerson(t, "bob")
	s := stranger(b, "sam", "buy this")
	carry(s, b)
	if err := b.engine.Refuse(t.Context(), s.id.ID(), false); err != nil {
		t.Fatal(err)
	}
	if got := b.looks(s); len(got) != 0 {
		t.Errorf("kept: %+v", got)
	}
	b.events = nil
	s.send(b, "really")
	s.update(func(tx *store.Tx, fx *news.Effects) error {
		c, err := tx.Contact(b.id.ID())
		return errors.Join(err, s.engine.Introduce(tx, fx, c, testTime()))
	})
	carry(s, b)
	if len(b.events) != 0 {
		t.Errorf("told: %+v", b.events)
	}
	b.view(func(tx *store.Tx) error {
		open, err := tx.Requests()
		if len(open) != 0 {
			t.Errorf("asks again: %+v", open)
		}
		if r, err := tx.Request(s.id.ID()); err != nil || len(r.Card) > 0 || r.Name != "" {
			t.Errorf("kept of who was refused: %+v, %v", r, err)
		}
		return err
	})
	// The user's own word counts more.
	b.add(s.link())
	settle(b, s)
	b.send(s, "now I write")
	settle(b, s)
	s.send(b, "so do I")
	settle(b, s)
	// If sam's group comes before bob's, which has none of its keys, what had no effect
	// has to be made anew.
	s.renew(b)
	settle(b, s)
	if got := b.history(s); len(got) < 2 {
		t.Errorf("bob sees %v", got)
	}
}

// TestRequestsAreBounded lets many ask.
func TestRequestsAreBounded(t *testing.T) {
	b := newPerson(t, "bob")
	for i := range known.MaxRequests {
		b.update(func(tx *store.Tx, _ *news.Effects) error {
			return tx.PutRequest(store.Request{Identity: [32]byte{1, byte(i)}, At: testTime()})
		})
	}
	s := stranger(b, "sam", "one too many")
	carry(s, b)
	b.view(func(tx *store.Tx) error {
		all, err := tx.Requests()
		if len(all) != known.MaxRequests {
			t.Errorf("%d ask", len(all))
		}
		return err
	})
	if got := b.looks(s); len(got) != 0 {
		t.Errorf("kept: %+v", got)
	}
}

// TestRequestsOfBothMeet lets two ask for each other: they need no answer.
func TestRequestsOfBothMeet(t *testing.T) {
	a := newPerson(t, "ann")
	s := stranger(a, "sam", "hello ann")
	carry(s, a)
	if _, _, err := a.engine.AddByName(t.Context(), s.id.ID(), "sam@relay", "sam", ""); err != nil {
		t.Fatal(err)
	}
	settle(a, s)
	a.send(s, "hello sam")
	settle(a, s)
	s.wantAllDelivered(a)
	a.wantAllDelivered(s)
}

// TestAskTextIsAChat refuses what is no text of somebody who asks.
func TestAskTextIsAChat(t *testing.T) {
	b := newPerson(t, "bob")
	s := stranger(b, "sam")
	s.say(b, &message.Message{Type: message.Timer, After: 1_000_000_000})
	if refused := carry(s, b); refused != 1 {
		t.Errorf("%d refused", refused)
	}
}

// TestAskOnTheLAN asks somebody of whom nothing but the identity is known.
func TestAskOnTheLAN(t *testing.T) {
	a, b := newPerson(t, "ann"), newPerson(t, "bob")
	c, isNew, err := a.engine.AddByName(t.Context(), b.id.ID(), "", "lan-1", "")
	if err != nil || !isNew || c.Via != known.ViaLAN || c.Claim != "" || c.Name != "lan-1" {
		t.Fatalf("got %+v, %v", c, err)
	}
	other := newPerson(t, "other")
	if _, isNew, err := a.engine.AddByName(t.Context(), other.id.ID(), "", "lan-1", ""); err != nil || !isNew {
		t.Fatalf("another one: %v", err)
	}
	a.send(b, "who are you?")
	carry(a, b)
	if _, err := b.engine.Accept(t.Context(), a.id.ID()); err != nil {
		t.Fatal(err)
	}
	settle(b, a)
	b.send(a, "bob")
	settle(b, a)
	a.wantAllDelivered(b)
	b.wantAllDelivered(a)
}

// TestAskBeginsOnce refuses further conversations that somebody begins who asks.
func TestAskBeginsOnce(t *testing.T) {
	b := newPerson(t, "bob")
	s := stranger(b, "sam", "hello")
	carry(s, b)
	s.update(func(tx *store.Tx, fx *news.Effects) error {
		c, err := tx.ConversationOf(b.id.ID())
		if err != nil {
			return err
		}
		return s.engine.startOver(tx, fx, c.ID, c.Group)
	})
	if refused := carry(s, b); refused == 0 {
		t.Error("nothing was refused")
	}
	b.view(func(tx *store.Tx) error {
		n, err := tx.CountGroups(pair.ID(s.id.ID(), b.id.ID()))
		if n != 1 {
			t.Errorf("%d groups", n)
		}
		return err
	})
}
