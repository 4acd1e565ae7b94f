package group

import (
	"context"
	"fmt"
	"time"

	"quicnprotochat/mls"
	"quicnprotochat/node/cards"
	"quicnprotochat/node/convo"
	"quicnprotochat/node/message"
	"quicnprotochat/node/plan"
	"quicnprotochat/node/store"
	"quicnprotochat/rpc"
)

// Shape is what a group is now.
type Shape struct {
	Conversation store.Conversation
	// Epoch, Authenticator and Suite are those of MLS; members of one epoch have
	// the same authenticator. There is none when the keys are gone.
	Epoch         uint64
	Authenticator []byte
	Suite         mls.Suite
	// Members are in the order of seniority, Invited those who have not shown up.
	Members []Member
	Invited []Invited
	// RemovedBy is who removed us; zero if nobody did.
	RemovedBy rpc.Identity
	// Silent is since when no admin has committed anything, if that is 30 days ago or
	// more: admins who are there do so weekly. Zero if one is there.
	Silent time.Time
	// Equivocators are members who made two commits in one epoch.
	Equivocators []rpc.Identity
}

// silentAdmins is how long it takes until a group counts as one without an admin.
const silentAdmins = 30 * 24 * time.Hour

// Member is a member of a group.
type Member struct {
	Identity rpc.Identity
	Admin    bool
}

// Invited is somebody whom we have invited.
type Invited struct {
	Identity rpc.Identity
	Since    time.Time
	// Waits says for what.
	Waits string
}

// Shape says what a group is now; ErrUnknown if it is not there.
func (g *Groups) Shape(ctx context.Context, id [16]byte) (s Shape, err error) {
	err = g.cfg.Store.View(ctx, func(tx *store.Tx) error {
		c, err := tx.Conversation(id)
		if store.IsNotFound(err) || err == nil && !convo.IsGroup(c) {
			return ErrUnknown
		}
		if err != nil {
			return err
		}
		s.Conversation = c
		t, err := g.load(tx, c.Group)
		if err != nil {
			return err
		}
		row, err := tx.Group(c.Group)
		if err != nil {
			return err
		}
		s.Suite = mls.Suite(row.Suite)
		at, ok := t.Index(row.Epoch)
		if !ok {
			at = t.Head
		}
		s.Epoch = t.Number(at)
		if t.Epochs[at].State == cards.StateIn {
			ep, _, err := g.cfg.Engine.Epoch(tx, t.Epochs[at].Name)
			if err != nil {
				return err
			}
			s.Authenticator = ep.Authenticator()
		}
		r := t.Epochs[at].Roster
		for _, who := range r.Members() {
			s.Members = append(s.Members, Member{Identity: who, Admin: r.IsAdmin(who)})
		}
		if last := t.LastByAdmin(at); !r.IsAdmin(g.self) && tx.Now().Sub(last) >= silentAdmins {
			s.Silent = last
		}
		s.Equivocators = t.Equivocators()
		if card := t.RemovedBy(g.self); card != nil {
			s.RemovedBy = card.Committer
		}
		return s.invited(tx, row)
	})
	return s, err
}

func (s *Shape) invited(tx *store.Tx, row store.Group) error {
	intents, err := tx.Intents(row.ID)
	for _, i := range intents {
		committed := i.Epoch != message.EpochName{}
		if i.Kind != plan.Add && i.Kind != plan.Unfit || committed && !i.Welcome {
			continue
		}
		waits := "has a Welcome and has not shown up yet"
		switch {
		case i.Kind == plan.Unfit:
			waits = fmt.Sprintf("cannot join: their program lacks the cipher suite of this group, %s; start a new group with them", mls.Suite(row.Suite))
		case len(i.Package) == 0:
			waits = "no key package of theirs has been found yet"
		}
		s.Invited = append(s.Invited, Invited{Identity: i.Subject, Since: i.Created, Waits: waits})
	}
	return err
}

// List returns the conversations of all groups, oldest first.
func (g *Groups) List(ctx context.Context) (all []store.Conversation, err error) {
	err = g.cfg.Store.Glance(ctx, func(tx *store.Tx) (err error) {
		all, err = tx.GroupConversations()
		return err
	})
	return all, err
}

// Count returns how many members a group has.
func (g *Groups) Count(tx *store.Tx, c store.Conversation) (int, error) {
	t, err := g.load(tx, c.Group)
	if err != nil {
		return 0, err
	}
	return t.Top().Roster.Size(), nil
}
