package convo

import (
	"bytes"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"quicnprotochat/node/contact"
	"quicnprotochat/node/convo/news"
	"quicnprotochat/node/message"
	"quicnprotochat/node/store"
	"quicnprotochat/rpc/pass"
	"quicnprotochat/transport"
)

// hasRelay gives p a home relay that takes passes.
func (p *person) hasRelay() transport.Key {
	p.t.Helper()
	u, err := transport.NewRelayURL(transport.Key(newPerson(p.t, "relay").id.ID()), "relay.example.org", 7000)
	if err == nil {
		err = p.store.Update(p.t.Context(), func(tx *store.Tx) error {
			return tx.PutRelay(store.Relay{URL: u.String(), Key: u.Key, Added: testTime()})
		})
	}
	if err == nil {
		err = p.engine.TakesPasses(p.t.Context(), u.Key, true)
	}
	if err != nil {
		p.t.Fatal(err)
	}
	return u.Key
}

// passOf returns the pass that p has of q for a relay, zero if there is none.
func (p *person) passOf(q *person, relay transport.Key) (got pass.Pass) {
	p.t.Helper()
	err := p.store.View(p.t.Context(), func(tx *store.Tx) error {
		row, err := tx.PassAt(q.id.ID(), relay)
		if err != nil {
			return err
		}
		got, err = pass.Parse(row.Pass)
		return err
	})
	if err != nil && !store.IsNotFound(err) {
		p.t.Fatal(err)
	}
	return got
}

// wantPass wants p to have a pass of q that is good now.
func (p *person) wantPass(q *person, relay transport.Key, generation uint32) pass.Pass {
	p.t.Helper()
	got := p.passOf(q, relay)
	if err := got.Check(testTime(), q.id.ID(), relay, generation); err != nil || got.Kind != pass.Contact {
		p.t.Errorf("%s has of %s %+v: %v", p.name, q.name, got, err)
	}
	return got
}

// TestPassesComeAlong: whoever is introduced has the passes of the other one, those
// who share none of us have the same bytes, and who gets a relay later gives one.
func TestPassesComeAlong(t *testing.T) {
	a, b, c := newPerson(t, "alice"), newPerson(t, "bob"), newPerson(t, "carol")
	at := b.hasRelay()
	a.add(b.link())
	c.add(b.link())
	settle(a, b)
	settle(c, b)
	if a.wantPass(b, at, 1) != c.wantPass(b, at, 1) {
		t.Error("the passes of two contacts differ")
	}
	later := a.hasRelay()
	settle(a, b)
	b.wantPass(a, later, 1)
	if rows, _ := a.outbox(b); len(rows) != 0 {
		t.Errorf("outbox of alice: got %d rows, want none", len(rows))
	}
}

// TestPassesAreRenewed: a contact has a good pass at all times, and gets few of them.
func TestPassesAreRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := newPerson(t, "alice"), newPerson(t, "bob")
		at := b.hasRelay()
		a.add(b.link())
		settle(a, b)
		last, changes := a.wantPass(b, at, 1), 0
		for range 60 {
			time.Sleep(24 * time.Hour)
			for _, p := range []*person{a, b} {
				if err := p.engine.Sweep(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			settle(a, b)
			now := a.wantPass(b, at, 1)
			if left := now.Expiry.Sub(testTime()); left < 19*24*time.Hour {
				t.Fatalf("the pass ends in %v", left)
			}
			if now != last {
				last = now
				changes++
			}
		}
		if changes < 5 || changes > 7 {
			t.Errorf("%d times new passes in 60 days", changes)
		}
		// Bob is gone: what alice has of him goes as well.
		time.Sleep(40 * 24 * time.Hour)
		if err := a.engine.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if p := a.passOf(b, at); !p.IsZero() {
			t.Errorf("alice still has %+v", p)
		}
	})
}

// TestCancelPasses: all but who is blocked get passes of the next generation, and the
// key of the addresses.
func TestCancelPasses(t *testing.T) {
	a, b, c := newPerson(t, "alice"), newPerson(t, "bob"), newPerson(t, "carol")
	at := b.hasRelay()
	link := b.link()
	a.add(link)
	c.add(link)
	settle(a, b)
	settle(c, b)
	before := a.wantPass(b, at, 1)
	b.update(func(tx *store.Tx, fx *news.Effects) error {
		return errors.Join(tx.Block(a.id.ID(), testTime()), b.engine.Cancel(tx, fx))
	})
	settle(a, b)
	settle(c, b)
	c.wantPass(b, at, 2)
	if got := a.passOf(b, at); got != before {
		t.Errorf("alice was given %+v", got)
	}
	if a.cardOf(b).AddressKey == c.cardOf(b).AddressKey {
		t.Error("alice still has the key of bob's addresses")
	}
	d := newPerson(t, "dave")
	d.add(link)
	d.prepare(b)
	rows, _ := d.outbox(b)
	if err := b.receive(d, rows[0].Payload); err != nil {
		t.Errorf("a link of before: %v", err)
	}
	b.view(func(tx *store.Tx) error {
		if _, err := tx.Contact(d.id.ID()); !store.IsNotFound(err) {
			t.Errorf("who has a link of before is a contact: %v", err)
		}
		_, err := tx.Request(d.id.ID())
		return err
	})
}

// TestPassesRefused: passes of strangers, of others, of another kind and forged ones
// are not kept; those that were overtaken neither.
func TestPassesRefused(t *testing.T) {
	a, b, c := newPerson(t, "alice"), newPerson(t, "bob"), newPerson(t, "carol")
	at := b.hasRelay()
	a.add(b.link())
	settle(a, b)
	good := a.wantPass(b, at, 1)
	made := func(by *person, change func(*pass.Pass)) []byte {
		p := pass.Pass{Recipient: by.id.ID(), Relay: at, Kind: pass.Contact, Generation: 1, Expiry: good.Expiry}
		change(&p)
		return p.Sign(by.id.Sign).Encode()
	}
	same := func(*pass.Pass) {}
	keep := func(sender *person, passes ...[]byte) error {
		return a.store.Update(t.Context(), func(tx *store.Tx) error {
			return a.engine.KeepPasses(tx, sender.id.ID(), &message.Passes{Passes: passes})
		})
	}
	forged := made(b, same)
	forged[len(forged)-1] ^= 1
	for name, err := range map[string]error{
		"stranger":    keep(c, made(c, same)),
		"another's":   keep(b, made(c, same)),
		"hello":       keep(b, made(b, func(p *pass.Pass) { p.Kind = pass.Hello })),
		"forged":      keep(b, forged),
		"one of them": keep(b, made(b, same), forged),
	} {
		if !errors.Is(err, ErrRefused) {
			t.Errorf("%s: got %v, want refused", name, err)
		}
	}
	for name, change := range map[string]func(*pass.Pass){
		"lower generation": func(p *pass.Pass) { p.Generation = 0 },
		"ends earlier":     func(p *pass.Pass) { p.Expiry = p.Expiry.Add(-time.Hour) },
	} {
		if err := keep(b, made(b, change)); err != nil || a.passOf(b, at) != good {
			t.Errorf("%s: got %v, and alice has %+v", name, err, a.passOf(b, at))
		}
	}
	newer := made(b, func(p *pass.Pass) { p.Generation, p.Expiry = 2, p.Expiry.Add(-time.Hour) })
	if err := keep(b, newer); err != nil || !bytes.Equal(newer, a.passOf(b, at).Encode()) {
		t.Errorf("higher generation: got %v, and alice has %+v", err, a.passOf(b, at))
	}
}

// cardOf returns the card that p has of q.
func (p *person) cardOf(q *person) (card contact.Card) {
	p.t.Helper()
	err := p.store.View(p.t.Context(), func(tx *store.Tx) error {
		c, err := tx.Contact(q.id.ID())
		if err != nil {
			return err
		}
		card, err = contact.ParseCard(c.Card)
		return err
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return card
}

// TestPassesOfRequest: who asks to be a contact, and has a relay that takes passes,
// gets through with the question, and gives a pass for the answer.
func TestPassesOfRequest(t *testing.T) {
	b := newPerson(t, "bob")
	s := stranger(b, "sam")
	at := s.hasRelay()
	err := s.engine.Update(t.Context(), func(tx *store.Tx, fx *news.Effects) error {
		c, err := tx.Contact(b.id.ID())
		if err != nil {
			return err
		}
		return s.engine.Introduce(tx, fx, c, testTime())
	})
	if err != nil {
		t.Fatal(err)
	}
	if refused := carry(s, b); refused != 0 {
		t.Errorf("%d payloads were refused", refused)
	}
	b.wantPass(s, at, 1)
	if _, err := b.engine.Accept(t.Context(), s.id.ID()); err != nil {
		t.Fatal(err)
	}
	b.wantPass(s, at, 1)
}
