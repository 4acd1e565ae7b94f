package group

import (
	"context"
	"crypto/sha256"
	"errors"
	"log/slog"
	"testing"
	"time"

	"quicnprotochat/mls"
	"quicnprotochat/node/cards"
	"quicnprotochat/node/charter"
	"quicnprotochat/node/contact"
	"quicnprotochat/node/convo"
	"quicnprotochat/node/convo/news"
	"quicnprotochat/node/identity"
	"quicnprotochat/node/keys"
	"quicnprotochat/node/message"
	"quicnprotochat/node/profile"
	"quicnprotochat/node/store"
	"quicnprotochat/rpc"
	"quicnprotochat/transport"
)

// person is a node without a network: the test carries its payloads.
type person struct {
	t       *testing.T
	name    string
	dir     string
	ahead   time.Duration // of its clock
	cut     cut
	joined  joined
	id      *identity.Identity
	store   *store.Store
	keys    *keys.Keys
	profile *profile.Profile
	engine  *convo.Engine
	groups  *Groups
}

type nowhere struct{}

func (nowhere) Addrs() []transport.Addr      { return nil }
func (nowhere) LocalAddrs() []transport.Addr { return nil }

type nobody struct{}

func (nobody) Event(news.Event)             {}
func (nobody) Outgoing(rpc.Identity)        {}
func (nobody) Receipt(rpc.Identity)         {}
func (nobody) ContactChanged(store.Contact) {}
func (nobody) Joined()                      {}
func (nobody) KeyPackageUsed()              {}
func (nobody) Revoked()                     {}

// joined counts how often what waits was to be tried again.
type joined struct {
	nobody
	n int
}

func (j *joined) Joined() { j.n++ }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// newPeople returns people who are contacts of each other.
func newPeople(t *testing.T, names ...string) []*person {
	t.Helper()
	all := newStrangers(t, names...)
	for _, p := range all {
		for _, q := range all {
			if p != q {
				p.meet(q)
			}
		}
	}
	return all
}

// newStrangers returns people of whom none knows any other.
func newStrangers(t *testing.T, names ...string) []*person {
	t.Helper()
	all := make([]*person, len(names))
	for i, name := range names {
		id, err := identity.Generate()
		must(t, err)
		all[i] = &person{t: t, name: name, id: id, dir: t.TempDir()}
		all[i].open()
		t.Cleanup(func() { all[i].store.Close() })
	}
	return all
}

// open begins with what is in the home of p.
func (p *person) open() {
	p.t.Helper()
	s, err := store.Open(store.Config{
		Dir: p.dir, Fault: p.cut.fault,
		Now: func() time.Time { return time.Now().Add(p.ahead).Round(0) },
	})
	must(p.t, err)
	p.store, p.keys = s, keys.New(keys.Config{Store: s, Identity: p.id})
	p.profile, err = profile.New(p.t.Context(), profile.Config{Store: s, Identity: p.id, Name: p.name})
	must(p.t, err)
	p.profile.Attach(nowhere{})
	log := slog.New(slog.DiscardHandler)
	p.engine = convo.New(convo.Config{Store: s, Identity: p.id, Keys: p.keys, Profile: p.profile, Notify: &p.joined, Log: log})
	p.groups = New(Config{Store: s, Identity: p.id, Profile: p.profile, Engine: p.engine, Log: log})
}

// cut halts a person at one of its commits: from there on it commits nothing until
// it is started again. The zero cut lets all pass.
type cut struct {
	armed, hit bool
	at, seen   int
}

var errCut = errors.New("halted by the test")

func (c *cut) fault(string) error {
	if !c.armed {
		return nil
	}
	c.hit = c.hit || c.seen == c.at
	c.seen++
	if c.hit {
		return errCut
	}
	return nil
}

// survives starts p again if err is that it was halted, and reports whether it was
// not.
func (p *person) survives(err error) bool {
	p.t.Helper()
	if !errors.Is(err, errCut) {
		must(p.t, err)
		return true
	}
	p.cut.armed = false
	must(p.t, p.store.Close())
	p.open()
	return false
}

// meet gives p the link and the hybrid key of q.
func (p *person) meet(q *person) {
	p.t.Helper()
	ctx := context.Background()
	link, _, err := q.profile.Link(ctx, time.Now())
	must(p.t, err)
	card, raw, err := contact.ParseLink(link)
	must(p.t, err)
	_, _, err = p.engine.AddContact(ctx, card, raw, "")
	must(p.t, err)
	blob, err := q.keys.Hybrid(ctx, time.Now())
	must(p.t, err)
	must(p.t, p.engine.LearnHybridKey(ctx, q.id.ID(), blob))
}

// keyPackage returns one of p's, made as change wants it.
func (p *person) keyPackage(change func(cfg *mls.KeyPackageConfig)) []byte {
	p.t.Helper()
	id, now := p.id.ID(), time.Now()
	cfg := mls.KeyPackageConfig{
		Suite: keys.Suite, Signer: p.id.MLS(), Identity: id[:], Capabilities: keys.Capabilities(),
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(keys.PackageLifetime), NoGREASE: true,
	}
	if change != nil {
		change(&cfg)
	}
	kp, secrets, err := mls.NewKeyPackage(cfg)
	must(p.t, err)
	must(p.t, p.store.Update(p.t.Context(), func(tx *store.Tx) error {
		return tx.PutKeyPackage(store.KeyPackage{
			Ref: kp.Ref(), Package: kp.Bytes(), Secrets: secrets.Bytes(), Place: transport.Key(id),
			Created: now, Expires: cfg.NotAfter, HandedOut: true,
		})
	}))
	return kp.Bytes()
}

// receive commits a payload to the inbox and returns what becomes of it.
func (p *person) receive(from *person, payload []byte) error {
	p.t.Helper()
	in := store.Incoming{Hash: sha256.Sum256(payload), Payload: payload, Depositor: from.id.ID(), Via: "direct", Received: time.Now()}
	err := p.store.Update(p.t.Context(), func(tx *store.Tx) (err error) {
		in.ID, _, err = tx.AddIncoming(in)
		return err
	})
	if err != nil || in.ID == 0 { // it was processed before
		return err
	}
	return p.engine.Receive(p.t.Context(), in)
}

// settle carries what waits, and tends the group, until nothing moves. Introductions
// and the like are not what is tested: what is refused is dropped.
func settle(group []byte, all ...*person) {
	for range 12 {
		time.Sleep(time.Second)
		for _, p := range all {
			if _, err := p.groups.Tend(p.t.Context(), group); !p.survives(err) {
				continue
			}
			for _, q := range all {
				if p != q {
					p.carry(q)
				}
			}
		}
	}
}

func (p *person) carry(q *person) {
	p.t.Helper()
	ctx := p.t.Context()
	if !p.finds(q) {
		return
	}
	if !p.survives(p.engine.Renew(ctx, q.id.ID(), convo.RenewAges{Taken: time.Minute, Stored: time.Hour, Seen: true})) ||
		!p.survives(p.engine.SealWaiting(ctx, q.id.ID())) {
		return
	}
	var rows []store.Outgoing
	must(p.t, p.store.View(ctx, func(tx *store.Tx) (err error) {
		rows, err = tx.OutgoingFresh(q.id.ID(), 0)
		return err
	}))
	for _, row := range rows {
		if len(row.Payload) == 0 || !row.DirectAt.IsZero() {
			continue
		}
		switch err := q.receive(p, row.Payload); {
		case errors.Is(err, convo.ErrRefused), errors.Is(err, convo.ErrWaiting):
		case !q.survives(err):
			continue // it is sent again
		}
		if !p.survives(p.engine.Direct(ctx, row, transport.PathDirect, "taken", nil)) {
			return
		}
	}
}

// finds gets the hybrid key of q, as delivery does, and reports whether p knows q.
func (p *person) finds(q *person) (knows bool) {
	p.t.Helper()
	ctx := p.t.Context()
	p.view(func(tx *store.Tx) error {
		_, err := tx.Contact(q.id.ID())
		knows = err == nil
		return nil
	})
	if needs, err := p.engine.Needs(ctx, q.id.ID()); knows && err == nil && needs.HybridKey {
		blob, err := q.keys.Hybrid(ctx, time.Now())
		must(p.t, err)
		p.survives(p.engine.LearnHybridKey(ctx, q.id.ID(), blob))
	}
	return knows
}

// in runs fn with the group, the head and its epoch.
func (p *person) in(group []byte, fn func(tx *store.Tx, fx *news.Effects, row store.Group, t *cards.Tree, ep *mls.Epoch, r store.Records) error) {
	p.t.Helper()
	must(p.t, p.engine.Update(p.t.Context(), func(tx *store.Tx, fx *news.Effects) error {
		row, _, t, err := p.groups.present(tx, charter.ConversationID(group))
		if err != nil {
			return err
		}
		ep, r, err := p.engine.Epoch(tx, t.Top().Name)
		if err != nil {
			return err
		}
		return fn(tx, fx, row, t, ep, r)
	}))
}

// members returns who is in the group as p sees it.
func (p *person) members(group []byte) (ids []rpc.Identity) {
	p.in(group, func(_ *store.Tx, _ *news.Effects, _ store.Group, _ *cards.Tree, ep *mls.Epoch, _ store.Records) error {
		for _, m := range ep.Members() {
			ids = append(ids, rpc.Identity(m.Identity))
		}
		return nil
	})
	return ids
}

// newGroup makes a group of all, the first its admin.
func newGroup(t *testing.T, all ...*person) []byte {
	t.Helper()
	var others []rpc.Identity
	for _, p := range all[1:] {
		others = append(others, p.id.ID())
	}
	c, err := all[0].groups.Create(t.Context(), "group", others)
	must(t, err)
	for _, p := range all[1:] {
		must(t, all[0].engine.Start(t.Context(), p.id.ID(), p.keyPackage(nil)))
	}
	settle(c.Group, all...)
	for _, p := range all {
		if got := p.members(c.Group); len(got) != len(all) {
			t.Fatalf("%d members, want %d", len(got), len(all))
		}
	}
	return c.Group
}

func chat(text string) *message.Message {
	return &message.Message{Type: message.Chat, ID: message.NewID(), Text: text}
}

func identities(all ...*person) (ids []rpc.Identity) {
	for _, p := range all {
		ids = append(ids, p.id.ID())
	}
	return ids
}
