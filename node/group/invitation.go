package group

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"quicnprotochat/mls"
	"quicnprotochat/node/audience"
	"quicnprotochat/node/cards"
	"quicnprotochat/node/convo"
	"quicnprotochat/node/convo/news"
	"quicnprotochat/node/keys"
	"quicnprotochat/node/message"
	"quicnprotochat/node/plan"
	"quicnprotochat/node/store"
	"quicnprotochat/rpc"
)

// unfitRetry is how long nobody who lacks the suite of a group is invited again.
const unfitRetry = time.Hour

// Invite adds people to a group as soon as their keys are here. It returns ErrSuite for
// somebody whose key package said a short while ago that the suite of the group is not
// among those that the person's program has.
func (g *Groups) Invite(ctx context.Context, id [16]byte, invite []rpc.Identity) error {
	return g.asAdmin(ctx, id, func(tx *store.Tx, fx *news.Effects, row store.Group, t *cards.Tree) error {
		now := tx.Now()
		for _, who := range invite {
			if t.Top().Roster.Has(who) {
				return fmt.Errorf("%s: %w", audience.Name(tx, who), ErrMember)
			}
			unfit, err := tx.IntentsOf(who, plan.Unfit)
			if err != nil {
				return err
			}
			for _, i := range unfit {
				if bytes.Equal(i.Group, row.ID) && now.Sub(i.Created) < unfitRetry {
					return fmt.Errorf("%s: %w", audience.Name(tx, who), ErrSuite)
				}
			}
		}
		if t.Top().Roster.Size()+len(invite) > message.MaxMembers {
			return ErrFull
		}
		return g.invite(tx, fx, row, invite, now)
	})
}

func (g *Groups) invite(tx *store.Tx, fx *news.Effects, row store.Group, invite []rpc.Identity, now time.Time) error {
	for _, who := range invite {
		if _, err := tx.Contact(who); store.IsNotFound(err) {
			return convo.ErrUnknownContact
		} else if err != nil {
			return err
		}
		if err := plan.Want(tx, row.ID, store.Intent{Kind: plan.Add, Subject: who, Created: now}); err != nil {
			return err
		}
		fx.Send(who)
	}
	return nil
}

// Wants implements convo.Groups.
func (g *Groups) Wants(tx *store.Tx, peer rpc.Identity) (bool, error) {
	intents, err := tx.IntentsOf(peer, plan.Add)
	return slices.ContainsFunc(intents, plan.LacksPackage), err
}

// Waiting implements convo.Groups.
func (g *Groups) Waiting(tx *store.Tx) (ids []rpc.Identity, err error) {
	return tx.IntentSubjects(plan.Add)
}

// Package implements convo.Groups: the first group takes it that wants one of its suite.
func (g *Groups) Package(tx *store.Tx, fx *news.Effects, peer rpc.Identity, kp *mls.KeyPackage) (taken bool, err error) {
	intents, err := tx.IntentsOf(peer, plan.Add)
	if err != nil {
		return false, err
	}
	var other error
	for _, i := range intents {
		if !plan.LacksPackage(i) {
			continue
		}
		err := g.takePackage(tx, fx, i, kp)
		if !errors.Is(err, convo.ErrOtherSuite) {
			return err == nil, err
		}
		other = err
	}
	return false, other
}

// takePackage keeps a key package for an invitation. If the group is of a suite that the
// person says not to have, the invitation comes to nothing.
func (g *Groups) takePackage(tx *store.Tx, fx *news.Effects, i store.Intent, kp *mls.KeyPackage) error {
	all, err := tx.Intents(i.Group)
	if err != nil {
		return err
	}
	suite, settled, err := g.suiteWith(tx, i.Group, all, kp)
	if err != nil {
		return err
	}
	switch {
	case kp.Suite() == suite:
	case settled && !slices.Contains(kp.Capabilities().Suites, uint16(suite)):
		return g.unfit(tx, fx, i)
	default:
		return fmt.Errorf("%s: %w", kp.Suite(), convo.ErrOtherSuite)
	}
	for _, u := range all {
		if bytes.Equal(u.Package, kp.Bytes()) {
			return fmt.Errorf("key package given out twice: %w", convo.ErrRefused)
		}
	}
	fx.Change(i.Group)
	return tx.SetIntent(i.ID, kp.Bytes(), message.EpochName{})
}

// unfit makes a notice of an invitation: who was invited lacks the suite of the group.
func (g *Groups) unfit(tx *store.Tx, fx *news.Effects, i store.Intent) error {
	row, c, err := g.group(tx, i.Group)
	if err != nil {
		return err
	}
	g.cfg.Log.Warn("who is invited lacks the suite of the group", "group", row.ID, "peer", i.Subject, "suite", mls.Suite(row.Suite))
	fx.Show(news.Event{Kind: news.EventUnfit, Peer: i.Subject, Conversation: c})
	return plan.Want(tx, row.ID, store.Intent{Kind: plan.Unfit, Subject: i.Subject, Created: tx.Now()})
}

// suiteWith returns the suite that a group is to have with the owner of a key package.
// It is settled once there is another member than ourselves; before, it is that which
// all have whose key packages are here.
func (g *Groups) suiteWith(tx *store.Tx, group []byte, intents []store.Intent, kp *mls.KeyPackage) (suite mls.Suite, settled bool, err error) {
	row, err := tx.Group(group)
	if err != nil {
		return 0, false, err
	}
	t, err := g.load(tx, group)
	if err != nil {
		return 0, false, err
	}
	if !g.alone(t) {
		return mls.Suite(row.Suite), true, nil
	}
	with := []*mls.KeyPackage{kp}
	for _, i := range intents {
		if i.Kind != plan.Add || len(i.Package) == 0 {
			continue
		}
		other, err := mls.ParseKeyPackage(i.Package)
		if err != nil {
			return 0, false, fmt.Errorf("key package of intent: %w", store.ErrDamaged)
		}
		with = append(with, other)
	}
	return suiteOf(with), false, nil
}

// suiteOf returns the suite of a group with the owners of some key packages.
func suiteOf(with []*mls.KeyPackage) mls.Suite {
	capabilities := make([]mls.Capabilities, len(with))
	for i, kp := range with {
		capabilities[i] = kp.Capabilities()
	}
	return keys.SuiteFor(capabilities...)
}
