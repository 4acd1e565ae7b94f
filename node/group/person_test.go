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
	"quicnprotochat/node/contact"
	"quicnprotochat/node/convo"
	"quicnprotochat/node/identity"
	"quicnprotochat/node/keys"
	"quicnprotochat/node/profile"
	"quicnprotochat/node/store"
	"quicnprotochat/rpc"
	"quicnprotochat/transport"
)

// person is a node without a network: the test carries its payloads.
type person struct {
	t       *testing.T
	id      *identity.Identity
	store   *store.Store
	keys    *keys.Keys
	profile *profile.Profile
	engine  *convo.Engine
	groups  *Groups
}

type nowhere struct{}

func (nowhere) Addrs() []transport.Addr { return nil }

type nobody struct{}

func (nobody) Event(convo.Event)            {}
func (nobody) Outgoing(rpc.Identity)        {}
func (nobody) Receipt(rpc.Identity)         {}
func (nobody) ContactChanged(store.Contact) {}
func (nobody) Joined()                      {}
func (nobody) KeyPackageUsed()              {}
func (nobody) Revoked()                     {}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// newPeople returns people who are contacts of each other.
func newPeople(t *testing.T, names ...string) []*person {
	t.Helper()
	all := make([]*person, len(names))
	for i, name := range names {
		id, err := identity.Generate()
		must(t, err)
		s, err := store.Open(store.Config{Dir: t.TempDir()})
		must(t, err)
		t.Cleanup(func() { s.Close() })
		p := &person{t: t, id: id, store: s, keys: keys.New(keys.Config{Store: s, Identity: id})}
		p.profile, err = profile.New(t.Context(), profile.Config{Store: s, Identity: id, Name: name})
		must(t, err)
		p.profile.Attach(nowhere{})
		log := slog.New(slog.DiscardHandler)
		p.engine = convo.New(convo.Config{Store: s, Identity: id, Keys: p.keys, Profile: p.profile, Notify: nobody{}, Log: log})
		p.groups = New(Config{Store: s, Identity: id, Profile: p.profile, Engine: p.engine, Log: log})
		all[i] = p
	}
	for _, p := range all {
		for _, q := range all {
			if p != q {
				p.meet(q)
			}
		}
	}
	return all
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
	must(p.t, p.store.Update(p.t.Context(), func(tx *store.Tx) (err error) {
		in.ID, _, err = tx.AddIncoming(in)
		return err
	}))
	return p.engine.Receive(p.t.Context(), in)
}

// settle carries what waits, and tends the group, until nothing moves. Introductions
// and the like are not what is tested: what is refused is dropped.
func settle(group []byte, all ...*person) {
	for range 12 {
		time.Sleep(time.Second)
		for _, p := range all {
			_, err := p.groups.Tend(p.t.Context(), group)
			must(p.t, err)
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
	must(p.t, p.engine.SealWaiting(ctx, q.id.ID()))
	var rows []store.Outgoing
	must(p.t, p.store.View(ctx, func(tx *store.Tx) (err error) {
		rows, err = tx.OutgoingFor(q.id.ID(), 0)
		return err
	}))
	for _, row := range rows {
		if len(row.Payload) == 0 || !row.DirectAt.IsZero() {
			continue
		}
		if err := q.receive(p, row.Payload); err != nil && !errors.Is(err, convo.ErrRefused) && !errors.Is(err, convo.ErrWaiting) {
			p.t.Fatal(err)
		}
		must(p.t, p.engine.Direct(ctx, row, transport.PathDirect, "taken", nil))
	}
}

// in runs fn with the group, the head and its epoch.
func (p *person) in(group []byte, fn func(tx *store.Tx, fx *convo.Effects, row store.Group, t *cards.Tree, ep *mls.Epoch, r store.Records) error) {
	p.t.Helper()
	must(p.t, p.engine.Update(p.t.Context(), func(tx *store.Tx, fx *convo.Effects) error {
		row, _, t, err := p.groups.present(tx, ConversationID(group))
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
	p.in(group, func(_ *store.Tx, _ *convo.Effects, _ store.Group, _ *cards.Tree, ep *mls.Epoch, _ store.Records) error {
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
