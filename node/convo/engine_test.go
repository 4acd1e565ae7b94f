package convo

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"quicnprotochat/mls"
	"quicnprotochat/mls/seal"
	"quicnprotochat/node/contact"
	"quicnprotochat/node/convo/news"
	"quicnprotochat/node/convo/pair"
	"quicnprotochat/node/identity"
	"quicnprotochat/node/keys"
	"quicnprotochat/node/known"
	"quicnprotochat/node/message"
	"quicnprotochat/node/profile"
	"quicnprotochat/node/store"
	"quicnprotochat/rpc"
	"quicnprotochat/transport"
)

// person is a node without a network: the test carries its payloads.
type person struct {
	t       testing.TB
	name    string
	ahead   time.Duration // of its clock
	id      *identity.Identity
	store   *store.Store
	keys    *keys.Keys
	profile *profile.Profile
	engine  *Engine
	events  []news.Event
}

type nowhere struct{}

func (nowhere) Addrs() []transport.Addr      { return nil }
func (nowhere) LocalAddrs() []transport.Addr { return nil }

func newPerson(t testing.TB, name string) *person {
	t.Helper()
	id, err := identity.Generate()
	if err != nil {
		t.Fatal(err)
	}
	p := &person{t: t, name: name, id: id}
	s, err := store.Open(store.Config{Dir: t.TempDir(), Now: func() time.Time { return time.Now().Add(p.ahead).Round(0) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	p.store = s
	p.keys = keys.New(keys.Config{Store: s, Identity: id})
	if p.profile, err = profile.New(t.Context(), profile.Config{Store: s, Identity: id, Name: name}); err != nil {
		t.Fatal(err)
	}
	p.profile.Attach(nowhere{})
	p.restart()
	return p
}

// restart forgets all that is only in memory.
func (p *person) restart() {
	p.engine = New(Config{
		Store: p.store, Identity: p.id, Keys: p.keys, Profile: p.profile, Notify: p, Log: slog.New(slog.DiscardHandler),
	})
	p.engine.Attach(noGroups{})
}

func (p *person) Event(e news.Event)           { p.events = append(p.events, e) }
func (p *person) Outgoing(rpc.Identity)        {}
func (p *person) Receipt(rpc.Identity)         {}
func (p *person) ContactChanged(store.Contact) {}
func (p *person) Joined()                      {}
func (p *person) KeyPackageUsed()              {}
func (p *person) Revoked()                     {}

func (p *person) link() string {
	link, _, err := p.profile.Link(context.Background(), testTime())
	if err != nil {
		p.t.Fatal(err)
	}
	return link
}

func (p *person) add(link string) (store.Contact, bool) {
	p.t.Helper()
	card, raw, err := contact.ParseLink(link)
	if err != nil {
		p.t.Fatal(err)
	}
	c, isNew, err := p.engine.AddContact(context.Background(), card, raw, "")
	if err != nil {
		p.t.Fatal(err)
	}
	return c, isNew
}

func chat(text string) *message.Message {
	return &message.Message{Type: message.Chat, ID: message.NewID(), Text: text}
}

func (p *person) send(to *person, text string) store.Message {
	p.t.Helper()
	m, err := p.engine.Send(context.Background(), to.id.ID(), chat(text))
	if err != nil {
		p.t.Fatal(err)
	}
	return m
}

// prepare brings p the keys of q that it needs, as delivery would.
func (p *person) prepare(q *person) {
	p.t.Helper()
	ctx := context.Background()
	needs, err := p.engine.Needs(ctx, q.id.ID())
	if err != nil {
		p.t.Fatal(err)
	}
	if needs.HybridKey || needs.NewerKey {
		blob, err := q.keys.Hybrid(ctx, testTime())
		if err == nil {
			err = p.engine.LearnHybridKey(ctx, q.id.ID(), blob)
		}
		if err != nil {
			p.t.Fatal(err)
		}
	}
	if needs.KeyPackage {
		if _, err := q.keys.Stock(ctx, transport.Key(q.id.ID()), 3, testTime()); err != nil {
			p.t.Fatal(err)
		}
		for err = ErrOtherSuite; errors.Is(err, ErrOtherSuite); {
			var kp []byte
			if kp, err = q.keys.Take(ctx); err == nil {
				err = p.engine.Start(ctx, q.id.ID(), kp)
			}
		}
		if err != nil {
			p.t.Fatal(err)
		}
	}
	if err := p.engine.SealWaiting(ctx, q.id.ID()); err != nil {
		p.t.Fatal(err)
	}
}

// outbox returns the sealed rows for q, and the receipt owed to it.
func (p *person) outbox(q *person) (rows []store.Outgoing, receipt *Receipt) {
	p.t.Helper()
	ctx := context.Background()
	err := p.store.View(ctx, func(tx *store.Tx) (err error) {
		rows, err = tx.OutgoingFresh(q.id.ID(), 0)
		return err
	})
	if err == nil {
		receipt, err = p.engine.Receipt(ctx, q.id.ID())
	}
	if err != nil {
		p.t.Fatal(err)
	}
	return slices.DeleteFunc(rows, func(o store.Outgoing) bool { return len(o.Payload) == 0 }), receipt
}

// take commits a payload to the inbox and opens what is there.
func (p *person) take(from *person, payload []byte) {
	p.t.Helper()
	p.takeVia(from, payload, "direct")
}

func (p *person) takeVia(from *person, payload []byte, via string) {
	p.t.Helper()
	ctx := context.Background()
	err := p.store.Update(ctx, func(tx *store.Tx) error {
		_, _, err := tx.AddIncoming(store.Incoming{
			Hash: sha256.Sum256(payload), Payload: payload, Depositor: from.id.ID(), Via: via, Received: testTime(),
		})
		return err
	})
	if err != nil {
		p.t.Fatal(err)
	}
	for _, waiting := range []bool{false, true} {
		var rows []store.Incoming
		err := p.store.View(ctx, func(tx *store.Tx) (err error) {
			rows, err = tx.Incoming(0, 0, waiting)
			return err
		})
		if err != nil {
			p.t.Fatal(err)
		}
		for _, row := range rows {
			if err := p.engine.Receive(ctx, row); err != nil && !errors.Is(err, ErrWaiting) {
				p.t.Fatalf("%s: %v", p.name, err)
			}
		}
	}
}

// settle carries everything both ways until nothing moves.
func settle(a, b *person) {
	for range 20 {
		moved := false
		for _, way := range [][2]*person{{a, b}, {b, a}} {
			from, to := way[0], way[1]
			from.prepare(to)
			rows, receipt := from.outbox(to)
			for _, row := range rows {
				if !row.DirectAt.IsZero() {
					continue
				}
				moved = true
				to.take(from, row.Payload)
				if err := from.engine.Direct(context.Background(), row, transport.PathDirect, "taken", nil); err != nil {
					from.t.Fatal(err)
				}
			}
			if receipt != nil {
				moved = true
				to.take(from, receipt.Payload)
				if err := from.engine.Receipted(context.Background(), receipt); err != nil {
					from.t.Fatal(err)
				}
			}
		}
		if !moved {
			return
		}
	}
	a.t.Fatal("does not settle")
}

// history is what p shows of the conversation with q, "author: text".
func (p *person) history(q *person) (lines []string) {
	p.t.Helper()
	err := p.store.View(context.Background(), func(tx *store.Tx) error {
		rows, err := tx.History(pair.ID(p.id.ID(), q.id.ID()), nil, 0)
		for _, m := range rows {
			name := p.name
			if m.Author == q.id.ID() {
				name = q.name
			}
			parsed, err := message.Parse(m.Body)
			if err != nil {
				return err
			}
			lines = append(lines, name+": "+parsed.Text)
		}
		return err
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return lines
}

func (p *person) wantAllDelivered(q *person) {
	p.t.Helper()
	err := p.store.View(context.Background(), func(tx *store.Tx) error {
		rows, err := tx.History(pair.ID(p.id.ID(), q.id.ID()), nil, 0)
		for _, m := range rows {
			if m.Author == p.id.ID() && m.State != StateDelivered {
				p.t.Errorf("%s: message %d is %s, want delivered", p.name, m.Counter, m.State)
			}
		}
		return err
	})
	if err != nil {
		p.t.Fatal(err)
	}
}

func TestOneSideAdds(t *testing.T) {
	a, b := newPerson(t, "alice"), newPerson(t, "bob")
	if _, isNew := a.add(b.link()); !isNew {
		t.Error("first add: got known, want new")
	}
	if c, isNew := a.add(b.link()); isNew || c.Name != "bob" {
		t.Errorf("second add: got %v, %q, want known, bob", isNew, c.Name)
	}
	settle(a, b)
	if len(b.events) != 1 || b.events[0].Kind != news.EventContact || b.events[0].Contact.Via != known.ViaIntroduction {
		t.Fatalf("events of bob: got %+v, want one contact by introduction", b.events)
	}
	if rows, _ := a.outbox(b); len(rows) != 0 {
		t.Errorf("outbox of alice: got %d rows, want none after the answer", len(rows))
	}
	// Bob's own word for alice, later: her addresses count as those of a link.
	if c, isNew := b.add(a.link()); isNew || c.Via != known.ViaLink {
		t.Errorf("bob adds who introduced herself: got new %v, via %q, want known, via link", isNew, c.Via)
	}
	b.send(a, "hello")
	a.send(b, "hi")
	settle(a, b)
	if got, want := fmt.Sprint(a.history(b)), fmt.Sprint(b.history(a)); got != want || len(a.history(b)) != 2 {
		t.Errorf("histories: got %v and %v, want two messages in one order", got, want)
	}
	a.wantAllDelivered(b)
	b.wantAllDelivered(a)
}

func TestStrangers(t *testing.T) {
	a, b := newPerson(t, "alice"), newPerson(t, "bob")
	a.add(b.link())
	// Bob's pass in the link is for this generation: alice is let in. Carol has
	// bob's card without a pass and is not.
	carol := newPerson(t, "carol")
	card := b.cardWithoutHello()
	parsed, err := contact.ParseCard(card)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := carol.engine.AddContact(t.Context(), parsed, card, ""); err != nil {
		t.Fatal(err)
	}
	carol.send(b, "let me in")
	carol.prepare(b)
	rows, _ := carol.outbox(b)
	if len(rows) != 2 {
		t.Fatalf("outbox of carol: got %d rows, want welcome and message", len(rows))
	}
	err = b.store.Update(t.Context(), func(tx *store.Tx) error {
		_, _, err := tx.AddIncoming(store.Incoming{Hash: sha256.Sum256(rows[0].Payload), Payload: rows[0].Payload, Received: testTime()})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var in []store.Incoming
	if err := b.store.View(t.Context(), func(tx *store.Tx) (err error) { in, err = tx.Incoming(0, 0, false); return err }); err != nil {
		t.Fatal(err)
	}
	if err := b.engine.Receive(t.Context(), in[0]); err != nil {
		t.Errorf("welcome of a stranger: %v", err)
	}
	if len(b.events) != 1 || b.events[0].Kind != news.EventRequest {
		t.Errorf("events: got %v, want a request", b.events)
	}
	b.view(func(tx *store.Tx) error {
		if _, err := tx.Contact(carol.id.ID()); !store.IsNotFound(err) {
			t.Errorf("a stranger is a contact: %v", err)
		}
		return nil
	})
}

func (p *person) cardWithoutHello() (card []byte) {
	err := p.store.View(context.Background(), func(tx *store.Tx) (err error) {
		card, err = p.profile.Card(tx, false, testTime())
		return err
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return card
}

// TestBothStart lets both start a group before either has heard of the other's:
// one conversation, nothing lost, nothing twice, one order.
func TestBothStart(t *testing.T) {
	a, b := newPerson(t, "alice"), newPerson(t, "bob")
	a.add(b.link())
	b.add(a.link())
	a.send(b, "a1")
	b.send(a, "b1")
	a.prepare(b)
	b.prepare(a)
	a.send(b, "a2")
	b.send(a, "b2")
	settle(a, b)
	for _, p := range []*person{a, b} {
		q := b
		if p == b {
			q = a
		}
		got := p.history(q)
		if len(got) != 4 {
			t.Errorf("%s shows %v, want 4 messages", p.name, got)
		}
		p.wantAllDelivered(q)
	}
	if got, want := fmt.Sprint(a.history(b)), fmt.Sprint(b.history(a)); got != want {
		t.Errorf("order: got %v and %v, want the same", got, want)
	}
	if got, want := a.group(b), b.group(a); got != want {
		t.Errorf("group to send in: got %s and %s, want the same", got, want)
	}
	seen := 0
	for _, e := range a.events {
		if e.Kind == news.EventMessage {
			seen++
		}
	}
	if seen != 2 {
		t.Errorf("message events of alice: got %d, want 2", seen)
	}
}

func (p *person) group(q *person) (group string) {
	err := p.store.View(context.Background(), func(tx *store.Tx) error {
		c, err := tx.ConversationOf(q.id.ID())
		group = fmt.Sprintf("%x", c.Group)
		return err
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return group
}

// TestAnyOrder delivers in random order, some payloads twice, some late, with
// restarts in between. In the end both show all texts once, in one order.
func TestAnyOrder(t *testing.T) {
	for seed := range uint64(12) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 1))
			a, b := newPerson(t, "alice"), newPerson(t, "bob")
			a.add(b.link())
			b.add(a.link())
			sent := 0
			for range 60 {
				from, to := a, b
				if rng.IntN(2) == 0 {
					from, to = b, a
				}
				switch rng.IntN(6) {
				case 0, 1:
					from.send(to, fmt.Sprintf("%s %d", from.name, sent))
					sent++
				case 2:
					from.prepare(to)
				case 3:
					from.restart()
				default:
					rows, _ := from.outbox(to)
					if len(rows) > 0 { // not noted as taken: it comes again
						to.take(from, rows[rng.IntN(len(rows))].Payload)
					}
				}
			}
			settle(a, b)
			if got, want := fmt.Sprint(a.history(b)), fmt.Sprint(b.history(a)); got != want || len(a.history(b)) != sent {
				t.Errorf("histories differ or lack some of %d:\n%s\n%s", sent, got, want)
			}
			a.wantAllDelivered(b)
			b.wantAllDelivered(a)
		})
	}
}

func TestSendRefuses(t *testing.T) {
	a, b := newPerson(t, "alice"), newPerson(t, "bob")
	if _, err := a.engine.Send(t.Context(), b.id.ID(), chat("x")); !errors.Is(err, ErrUnknownContact) {
		t.Errorf("to a stranger: got %v, want ErrUnknownContact", err)
	}
	a.add(b.link())
	for _, text := range []string{"", string(make([]byte, MaxText+1)), "\xff"} {
		if _, err := a.engine.Send(t.Context(), b.id.ID(), chat(text)); !errors.Is(err, ErrText) {
			t.Errorf("text of %d bytes: got %v, want ErrText", len(text), err)
		}
	}
	if _, _, err := a.engine.AddContact(t.Context(), contact.Card{Identity: a.id.ID()}, nil, ""); !errors.Is(err, known.ErrSelf) {
		t.Errorf("own card: got %v, want known.ErrSelf", err)
	}
}

func testTime() time.Time { return time.Now() }

// TestForgedIdentity: a key package and a Welcome that name somebody as their
// credential, but are signed by another key, are refused. Else a relay could
// put itself between two known.
func TestForgedIdentity(t *testing.T) {
	a, b, mallory := newPerson(t, "alice"), newPerson(t, "bob"), newPerson(t, "mallory")
	a.add(b.link())
	b.add(a.link())
	settle(a, b)
	self, other := a.id.ID(), b.id.ID()

	// A key package "of bob", for alice.
	forged, _, err := mls.NewKeyPackage(mls.KeyPackageConfig{
		Suite: keys.Suite, Signer: mallory.id.MLS(), Identity: other[:],
		NotBefore: testTime().Add(-time.Hour), NotAfter: testTime().Add(time.Hour), Capabilities: keys.Capabilities(),
	})
	if err != nil {
		t.Fatal(err)
	}
	a.send(b, "secret")
	if err := a.engine.Start(t.Context(), other, forged.Bytes()); !errors.Is(err, ErrRefused) {
		t.Errorf("forged key package: got %v, want refused", err)
	}

	// A Welcome "from bob", to alice.
	if _, err := a.keys.Stock(t.Context(), transport.Key(self), 3, testTime()); err != nil {
		t.Fatal(err)
	}
	bytes, err := a.keys.Take(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	kp, err := mls.ParseKeyPackage(bytes)
	if err != nil {
		t.Fatal(err)
	}
	group, err := mls.Create(mls.GroupConfig{
		Suite: kp.Suite(), GroupID: []byte("forged"), Signer: mallory.id.MLS(), Identity: other[:],
		Extensions:           []mls.Extension{pair.NewContext(self, other, 1).Extension()},
		RequiredCapabilities: mls.RequiredCapabilities{Extensions: []uint16{keys.ConversationExtension}},
		Capabilities:         keys.Capabilities(),
	})
	if err != nil {
		t.Fatal(err)
	}
	staged, err := group.Commit(nil, mls.CommitConfig{Add: []*mls.KeyPackage{kp}, Now: testTime(), Public: true})
	if err != nil {
		t.Fatal(err)
	}
	frame, err := message.EncodeFrame(message.MLSMessages{staged.Welcome()})
	if err != nil {
		t.Fatal(err)
	}
	blob, err := a.keys.Hybrid(t.Context(), testTime())
	if err != nil {
		t.Fatal(err)
	}
	to, err := seal.ParseHybridKey(blob, self, testTime())
	if err != nil {
		t.Fatal(err)
	}
	payload, err := seal.Seal(to, self, frame)
	if err != nil {
		t.Fatal(err)
	}
	in := store.Incoming{Hash: sha256.Sum256(payload), Payload: payload, Received: testTime()}
	err = a.store.Update(t.Context(), func(tx *store.Tx) (err error) {
		in.ID, _, err = tx.AddIncoming(in)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.engine.Receive(t.Context(), in); !errors.Is(err, ErrRefused) {
		t.Errorf("forged Welcome: got %v, want refused", err)
	}
	if a.group(b) != "" {
		t.Error("alice has joined the forged group")
	}
}

// TestExpiredLink: a link whose pass has ended is refused at once, not by
// silence later; for somebody who is a contact it still brings a newer card.
func TestExpiredLink(t *testing.T) {
	a, b := newPerson(t, "alice"), newPerson(t, "bob")
	link, _, err := b.profile.Link(t.Context(), testTime().Add(-profile.HelloLifetime-time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	card, raw, err := contact.ParseLink(link)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := a.engine.AddContact(t.Context(), card, raw, ""); !errors.Is(err, known.ErrLinkExpired) {
		t.Errorf("stranger: got %v, want known.ErrLinkExpired", err)
	}
	a.add(b.link())
	if _, isNew, err := a.engine.AddContact(t.Context(), card, raw, ""); err != nil || isNew {
		t.Errorf("contact: got new %v, %v, want known", isNew, err)
	}
}
