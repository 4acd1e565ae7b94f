package group

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"time"
	"unicode/utf8"

	"quicnprotochat/mls"
	"quicnprotochat/node/cards"
	"quicnprotochat/node/convo"
	"quicnprotochat/node/keys"
	"quicnprotochat/node/message"
	"quicnprotochat/node/store"
	"quicnprotochat/rpc"
)

// Create makes a group with ourselves as its only member and admin, and invites
// others. It returns when that is stored; they come in when their keys are here.
func (g *Groups) Create(ctx context.Context, name string, invite []rpc.Identity) (c store.Conversation, err error) {
	if !goodName(name) {
		return c, ErrName
	}
	now := g.cfg.Store.Now()
	group := make([]byte, 32)
	if _, err := rand.Read(group); err != nil {
		return c, err
	}
	profile := message.GroupProfile{Name: name, Admins: []rpc.Identity{g.self}}
	x, err := extension(profile)
	if err != nil {
		return c, err
	}
	ep, err := mls.Create(mls.GroupConfig{
		Suite: keys.Suite, GroupID: group, Signer: g.cfg.Identity.MLS(), Identity: g.self[:],
		Extensions:           []mls.Extension{x},
		RequiredCapabilities: mls.RequiredCapabilities{Extensions: []uint16{keys.ConversationExtension}},
		Capabilities:         keys.Capabilities(),
	})
	if err != nil {
		return c, err
	}
	root := &message.GroupRoot{Group: group, Name: convo.EpochID(ep), Profile: profile, Leaves: []rpc.Identity{g.self}}
	encoded, err := root.Encode()
	if err != nil {
		return c, err
	}
	err = g.cfg.Engine.Update(ctx, func(tx *store.Tx, fx *convo.Effects) error {
		c = store.Conversation{ID: ConversationID(group), Group: group, Name: name, Created: now}
		row := store.Group{
			ID: group, Conversation: c.ID, Creator: g.self, Counter: 1, Epoch: root.Name, Suite: uint16(ep.Suite()),
		}
		if err := tx.PutConversation(c); err != nil {
			return err
		}
		if err := tx.PutGroup(row); err != nil {
			return err
		}
		if err := tx.PutCommit(store.Commit{Group: group, Name: root.Name, Card: encoded, State: byte(cards.StateIn), Seen: now}); err != nil {
			return err
		}
		if err := g.cfg.Engine.Save(tx, row, root.Name, ep); err != nil {
			return err
		}
		fx.Change(group)
		return g.invite(tx, fx, row, invite, now)
	})
	return c, err
}

func goodName(name string) bool {
	return name != "" && len(name) <= message.MaxGroupName && utf8.ValidString(name)
}

// Invite adds people to a group as soon as their keys are here.
func (g *Groups) Invite(ctx context.Context, id [16]byte, invite []rpc.Identity) error {
	return g.asAdmin(ctx, id, func(tx *store.Tx, fx *convo.Effects, row store.Group, t *cards.Tree) error {
		for _, who := range invite {
			if t.Top().Roster.Has(who) {
				return fmt.Errorf("%s: %w", g.name(tx, who), ErrMember)
			}
		}
		if t.Top().Roster.Size()+len(invite) > message.MaxMembers {
			return ErrFull
		}
		return g.invite(tx, fx, row, invite, tx.Now())
	})
}

func (g *Groups) invite(tx *store.Tx, fx *convo.Effects, row store.Group, invite []rpc.Identity, now time.Time) error {
	for _, who := range invite {
		if _, err := tx.Contact(who); isNotFound(err) {
			return convo.ErrUnknownContact
		} else if err != nil {
			return err
		}
		if err := g.intend(tx, row.ID, store.Intent{Kind: intentAdd, Subject: who, Created: now}); err != nil {
			return err
		}
		fx.Send(who)
	}
	return nil
}

// intend keeps what the user wants, in place of the same and of its opposite.
func (g *Groups) intend(tx *store.Tx, group []byte, i store.Intent) error {
	opposite := map[byte]byte{
		intentAdd: intentRemove, intentRemove: intentAdd, intentPromote: intentDemote, intentDemote: intentPromote,
	}
	old, err := tx.Intents(group)
	if err != nil {
		return err
	}
	for _, o := range old {
		if o.Subject == i.Subject && (o.Kind == i.Kind || o.Kind == opposite[i.Kind]) && i.Kind != 0 {
			if err := tx.DeleteIntent(o.ID); err != nil {
				return err
			}
		}
	}
	i.Group = group
	_, err = tx.AddIntent(i)
	return err
}

// asAdmin runs fn for a group of which we are an admin.
func (g *Groups) asAdmin(ctx context.Context, id [16]byte, fn func(*store.Tx, *convo.Effects, store.Group, *cards.Tree) error) error {
	return g.cfg.Engine.Update(ctx, func(tx *store.Tx, fx *convo.Effects) error {
		row, _, t, err := g.present(tx, id)
		if err != nil {
			return err
		}
		if !t.Top().Roster.IsAdmin(g.self) {
			return ErrNotAdmin
		}
		fx.Change(row.ID)
		return fn(tx, fx, row, t)
	})
}

// Remove removes a member.
func (g *Groups) Remove(ctx context.Context, id [16]byte, who rpc.Identity) error {
	return g.asAdmin(ctx, id, func(tx *store.Tx, _ *convo.Effects, row store.Group, t *cards.Tree) error {
		if !t.Top().Roster.Has(who) || who == g.self {
			return fmt.Errorf("%s: %w", g.name(tx, who), ErrMember)
		}
		return g.intend(tx, row.ID, store.Intent{Kind: intentRemove, Subject: who, Created: tx.Now()})
	})
}

// Promote makes a member an admin, the most junior one.
func (g *Groups) Promote(ctx context.Context, id [16]byte, who rpc.Identity) error {
	return g.asAdmin(ctx, id, func(tx *store.Tx, _ *convo.Effects, row store.Group, t *cards.Tree) error {
		r := t.Top().Roster
		switch {
		case !r.Has(who) || who == g.self:
			return fmt.Errorf("%s: %w", g.name(tx, who), ErrMember)
		case len(r.Profile().Admins) >= message.MaxAdmins && !r.IsAdmin(who):
			return ErrFull
		}
		return g.intend(tx, row.ID, store.Intent{Kind: intentPromote, Subject: who, Created: tx.Now()})
	})
}

// Demote takes that back of an admin who is junior to us.
func (g *Groups) Demote(ctx context.Context, id [16]byte, who rpc.Identity) error {
	return g.asAdmin(ctx, id, func(tx *store.Tx, _ *convo.Effects, row store.Group, t *cards.Tree) error {
		r := t.Top().Roster
		if !r.IsAdmin(who) || !r.Senior(g.self, who) {
			return ErrNotAdmin
		}
		return g.intend(tx, row.ID, store.Intent{Kind: intentDemote, Subject: who, Created: tx.Now()})
	})
}

// Rename gives a group another name.
func (g *Groups) Rename(ctx context.Context, id [16]byte, name string) error {
	if !goodName(name) {
		return ErrName
	}
	return g.asAdmin(ctx, id, func(tx *store.Tx, _ *convo.Effects, row store.Group, _ *cards.Tree) error {
		return g.intend(tx, row.ID, store.Intent{Kind: intentRename, Value: []byte(name), Created: tx.Now()})
	})
}

// Update gives this member fresh keys.
func (g *Groups) Update(ctx context.Context, id [16]byte) error {
	return g.cfg.Engine.Update(ctx, func(tx *store.Tx, fx *convo.Effects) error {
		row, _, _, err := g.present(tx, id)
		if err != nil {
			return err
		}
		fx.Change(row.ID)
		return g.intend(tx, row.ID, store.Intent{Kind: intentUpdate, Created: tx.Now()})
	})
}

// Leave ends our part in a group: from now on nothing is sent, and the members are
// asked to remove us.
func (g *Groups) Leave(ctx context.Context, id [16]byte) error {
	return g.cfg.Engine.Update(ctx, func(tx *store.Tx, fx *convo.Effects) error {
		row, c, t, err := g.present(tx, id)
		if err != nil {
			return err
		}
		c.Status = StatusLeft
		if err := tx.PutConversation(c); err != nil {
			return err
		}
		intents, err := tx.Intents(row.ID)
		if err != nil {
			return err
		}
		for _, i := range intents {
			if err := tx.DeleteIntent(i.ID); err != nil {
				return err
			}
		}
		l := message.NewLeave(g.self, row.ID, t.Top().Name, g.cfg.Identity.Sign)
		fx.Change(row.ID)
		fx.Show(convo.Event{Kind: convo.EventGroup, Conversation: c})
		return g.intend(tx, row.ID, store.Intent{Kind: intentLeave, Subject: g.self, Value: leaveValue(l), Created: tx.Now()})
	})
}

// Wants implements convo.Groups.
func (g *Groups) Wants(tx *store.Tx, peer rpc.Identity) (bool, error) {
	i, err := g.wanted(tx, peer)
	return i != nil, err
}

// wanted returns the first invitation of somebody that has no key package.
func (g *Groups) wanted(tx *store.Tx, peer rpc.Identity) (*store.Intent, error) {
	intents, err := tx.IntentsOf(peer, intentAdd)
	for _, i := range intents {
		if len(i.Package) == 0 && i.Epoch == (message.EpochName{}) {
			return &i, err
		}
	}
	return nil, err
}

// Package implements convo.Groups. Groups are post-quantum: convo lets nothing else
// through for somebody who has that suite.
func (g *Groups) Package(tx *store.Tx, fx *convo.Effects, peer rpc.Identity, kp *mls.KeyPackage) error {
	i, err := g.wanted(tx, peer)
	if err != nil || i == nil {
		return err
	}
	if kp.Suite() != keys.Suite {
		return fmt.Errorf("%s: %w", kp.Suite(), convo.ErrOtherSuite)
	}
	used, err := tx.Intents(i.Group)
	if err != nil {
		return err
	}
	for _, u := range used {
		if bytes.Equal(u.Package, kp.Bytes()) {
			return fmt.Errorf("key package given out twice: %w", convo.ErrRefused)
		}
	}
	fx.Change(i.Group)
	return tx.SetIntent(i.ID, kp.Bytes(), message.EpochName{})
}

// Waiting implements convo.Groups.
func (g *Groups) Waiting(tx *store.Tx) (ids []rpc.Identity, err error) {
	return tx.IntentSubjects(intentAdd)
}
