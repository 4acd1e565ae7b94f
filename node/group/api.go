package group

import (
	"context"
	"crypto/rand"
	"fmt"
	"unicode/utf8"

	"quicnprotochat/node/audience"
	"quicnprotochat/node/cards"
	"quicnprotochat/node/charter"
	"quicnprotochat/node/convo"
	"quicnprotochat/node/convo/news"
	"quicnprotochat/node/keys"
	"quicnprotochat/node/message"
	"quicnprotochat/node/plan"
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
	err = g.cfg.Engine.Update(ctx, func(tx *store.Tx, fx *news.Effects) error {
		c = store.Conversation{ID: charter.ConversationID(group), Group: group, Name: name, Created: now}
		row := store.Group{ID: group, Conversation: c.ID, Creator: g.self, Counter: 1}
		if err := tx.PutConversation(c); err != nil {
			return err
		}
		// Whether all have this suite the key packages will tell.
		if row, err = g.found(tx, row, profile, keys.Suite, now); err != nil {
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

// present returns a group that we are in.
func (g *Groups) present(tx *store.Tx, id [16]byte) (row store.Group, c store.Conversation, t *cards.Tree, err error) {
	if c, err = tx.Conversation(id); store.IsNotFound(err) || err == nil && !convo.IsGroup(c) {
		return row, c, nil, ErrUnknown
	}
	if err != nil {
		return row, c, nil, err
	}
	if c.Status != StatusIn {
		return row, c, nil, ErrNotIn
	}
	if row, err = tx.Group(c.Group); err != nil {
		return row, c, nil, err
	}
	t, err = g.load(tx, row.ID)
	return row, c, t, err
}

// asAdmin runs fn for a group of which we are an admin.
func (g *Groups) asAdmin(ctx context.Context, id [16]byte, fn func(*store.Tx, *news.Effects, store.Group, *cards.Tree) error) error {
	return g.cfg.Engine.Update(ctx, func(tx *store.Tx, fx *news.Effects) error {
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
	return g.asAdmin(ctx, id, func(tx *store.Tx, _ *news.Effects, row store.Group, t *cards.Tree) error {
		if !t.Top().Roster.Has(who) || who == g.self {
			return fmt.Errorf("%s: %w", audience.Name(tx, who), ErrMember)
		}
		return plan.Want(tx, row.ID, store.Intent{Kind: plan.Remove, Subject: who, Created: tx.Now()})
	})
}

// Promote makes a member an admin, the most junior one.
func (g *Groups) Promote(ctx context.Context, id [16]byte, who rpc.Identity) error {
	return g.asAdmin(ctx, id, func(tx *store.Tx, _ *news.Effects, row store.Group, t *cards.Tree) error {
		r := t.Top().Roster
		switch {
		case !r.Has(who) || who == g.self:
			return fmt.Errorf("%s: %w", audience.Name(tx, who), ErrMember)
		case len(r.Profile().Admins) >= message.MaxAdmins && !r.IsAdmin(who):
			return ErrFull
		}
		return plan.Want(tx, row.ID, store.Intent{Kind: plan.Promote, Subject: who, Created: tx.Now()})
	})
}

// Demote takes that back of an admin who is junior to us.
func (g *Groups) Demote(ctx context.Context, id [16]byte, who rpc.Identity) error {
	return g.asAdmin(ctx, id, func(tx *store.Tx, _ *news.Effects, row store.Group, t *cards.Tree) error {
		r := t.Top().Roster
		if !r.IsAdmin(who) || !r.Senior(g.self, who) {
			return ErrNotAdmin
		}
		return plan.Want(tx, row.ID, store.Intent{Kind: plan.Demote, Subject: who, Created: tx.Now()})
	})
}

// Rename gives a group another name.
func (g *Groups) Rename(ctx context.Context, id [16]byte, name string) error {
	if !goodName(name) {
		return ErrName
	}
	return g.asAdmin(ctx, id, func(tx *store.Tx, _ *news.Effects, row store.Group, _ *cards.Tree) error {
		return plan.Want(tx, row.ID, store.Intent{Kind: plan.Rename, Value: []byte(name), Created: tx.Now()})
	})
}

// Update gives this member fresh keys.
func (g *Groups) Update(ctx context.Context, id [16]byte) error {
	return g.cfg.Engine.Update(ctx, func(tx *store.Tx, fx *news.Effects) error {
		row, _, _, err := g.present(tx, id)
		if err != nil {
			return err
		}
		fx.Change(row.ID)
		return plan.Want(tx, row.ID, store.Intent{Kind: plan.Update, Created: tx.Now()})
	})
}

// Leave ends our part in a group: from now on nothing is sent, and the members are
// asked to remove us.
func (g *Groups) Leave(ctx context.Context, id [16]byte) error {
	return g.cfg.Engine.Update(ctx, func(tx *store.Tx, fx *news.Effects) error {
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
		fx.Show(news.Event{Kind: news.EventGroup, Conversation: c})
		return plan.Want(tx, row.ID, store.Intent{Kind: plan.Leave, Subject: g.self, Value: plan.LeaveValue(l), Created: tx.Now()})
	})
}
