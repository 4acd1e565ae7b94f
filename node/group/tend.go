package group

import (
	"context"
	"errors"
	"slices"
	"time"

	"quicnprotochat/mls"
	"quicnprotochat/node/cards"
	"quicnprotochat/node/convo/news"
	"quicnprotochat/node/message"
	"quicnprotochat/node/plan"
	"quicnprotochat/node/store"
	"quicnprotochat/node/talk"
	"quicnprotochat/rpc"
	"quicnprotochat/transport"
)

// updateEvery is how often an admin gives itself fresh keys: that also settles the
// branch.
const updateEvery = 7 * 24 * time.Hour

// Tend does what is due in a group: it comes back to a head that it has no keys of,
// commits what the user wants, sends again what was sent on a branch that lost,
// asks for what is missing, and erases keys. It returns when to look again,
// by the time that goes on evenly whatever the clock of the home says.
func (g *Groups) Tend(ctx context.Context, group []byte) (next time.Time, err error) {
	now := g.cfg.Store.Now()
	next = time.Now().Add(lookAgain)
	err = g.cfg.Engine.Update(ctx, func(tx *store.Tx, fx *news.Effects) error {
		row, c, err := g.group(tx, group)
		if err != nil {
			return nil // it is gone
		}
		t, err := g.load(tx, group)
		if err != nil {
			return err
		}
		if t.Top().State != cards.StateIn && g.offered(t.Top().Name) {
			if err := g.rejoin(tx, fx, row, t, now); err != nil {
				return err
			}
			if row, c, err = g.group(tx, group); err != nil {
				return err
			}
			if t, err = g.load(tx, group); err != nil {
				return err
			}
		}
		wait, err := g.tend(tx, fx, row, c, t, now)
		if at := time.Now().Add(wait); wait > 0 && at.Before(next) {
			next = at
		}
		return err
	})
	return next, err
}

func (g *Groups) tend(tx *store.Tx, fx *news.Effects, row store.Group, c store.Conversation, t *cards.Tree, now time.Time) (wait time.Duration, err error) {
	wait, err = g.seek(tx, fx, row, t)
	if err != nil {
		return wait, err
	}
	sooner := func(d time.Duration) {
		if d > 0 && (wait == 0 || d < wait) {
			wait = d
		}
	}
	switch state := t.Top().State; {
	case state == cards.StateLast, state == cards.StateIn && t.RemovedBy(g.self) != nil:
		later, err := g.expire(tx, row, t, now)
		sooner(later)
		return wait, err
	case state != cards.StateIn, t.Outvoted(g.self):
		return wait, nil
	}
	missing, err := g.AskCards(tx, fx, row, t, now)
	sooner(missing)
	if err != nil {
		return wait, err
	}
	again, err := g.again(tx, fx, row, c, t, now)
	sooner(again)
	if err != nil {
		return wait, err
	}
	p, later, err := plan.Make(tx, row.ID, t, g.self, now)
	if err != nil {
		return wait, err
	}
	sooner(later)
	if c.Status == StatusLeft {
		later, err := g.sayLeave(tx, fx, row, t, now)
		sooner(later)
		return wait, err
	}
	if due := g.updateDue(t, now); due <= 0 {
		p.Update = true
	} else {
		sooner(due)
	}
	if later == 0 && !p.Empty() {
		return wait, g.commitPlan(tx, fx, row, t, p, now)
	}
	later, err = g.expire(tx, row, t, now)
	sooner(later)
	if err != nil || c.Status != StatusIn {
		return wait, err
	}
	return wait, g.SendAgain(tx, fx, row, c, t)
}

// again wants what other admins wanted and did not get, because their branch lost; wait
// is until more of that is due, 0 if none is.
func (g *Groups) again(tx *store.Tx, fx *news.Effects, row store.Group, c store.Conversation, t *cards.Tree, now time.Time) (wait time.Duration, err error) {
	if c.Status != StatusIn {
		return 0, nil
	}
	about, wait, err := plan.Again(tx, row.ID, t, g.self, now)
	for _, who := range about {
		g.cfg.Log.Info("want again what another admin committed in vain", "group", row.ID, "peer", transport.Key(who))
		fx.Send(who) // who is to come in needs a key package
	}
	return wait, err
}

// commitPlan commits a plan. A key package that is no good in this group, or not any
// more, is dropped, and another one is fetched: whoever made it holds up nothing.
func (g *Groups) commitPlan(tx *store.Tx, fx *news.Effects, row store.Group, t *cards.Tree, p *plan.Plan, now time.Time) error {
	if suite := suiteOf(p.Adds); len(p.Adds) > 0 && g.alone(t) && suite != mls.Suite(row.Suite) {
		fx.Change(row.ID)
		return g.refound(tx, row, t, suite, now)
	}
	ep, _, err := g.cfg.Engine.Epoch(tx, t.Top().Name)
	if err != nil {
		return err
	}
	for _, kp := range p.Adds {
		if err := ep.CheckAdd(kp, now); err != nil {
			return g.refetch(tx, fx, row, p, kp, err)
		}
	}
	err = g.commit(tx, fx, row, t, p, now)
	if len(p.Adds) > 1 && errors.Is(err, mls.ErrInvalid) { // each is good, all of them together are not
		return g.refetch(tx, fx, row, p, p.Adds[len(p.Adds)-1], err)
	}
	return err
}

// refetch drops a key package from its intent. The plan is made again without it.
func (g *Groups) refetch(tx *store.Tx, fx *news.Effects, row store.Group, p *plan.Plan, kp *mls.KeyPackage, cause error) error {
	who := rpc.Identity(kp.Identity())
	g.cfg.Log.Warn("key package does not fit the group", "group", row.ID, "peer", transport.Key(who), "err", cause)
	for _, i := range p.Intents {
		if i.Kind == plan.Add && i.Subject == who {
			fx.Change(row.ID)
			fx.Send(who)
			return tx.SetIntent(i.ID, nil, message.EpochName{})
		}
	}
	return cause
}

// updateDue is in how long our next Update is due, if it is positive: weekly, and not
// at the same time as those of other admins. Who is no admin is never due.
func (g *Groups) updateDue(t *cards.Tree, now time.Time) time.Duration {
	r := t.Top().Roster
	if !r.IsAdmin(g.self) || r.Size() < 2 {
		return updateEvery
	}
	last := t.Epochs[0].Seen
	for _, n := range t.Epochs {
		if n.Card != nil && n.Card.Committer == g.self && t.OnPath(n.Name) && n.Seen.After(last) {
			last = n.Seen
		}
	}
	rank := slices.Index(r.Members(), g.self)
	return updateEvery + time.Duration(rank)*time.Hour - now.Sub(last)
}

// sayLeave tells the members that we leave, until one has committed it; wait is
// until the next time, ever longer: who was behind when it came has dropped it.
func (g *Groups) sayLeave(tx *store.Tx, fx *news.Effects, row store.Group, t *cards.Tree, now time.Time) (wait time.Duration, err error) {
	if !t.Top().Roster.Has(g.self) {
		return 0, nil
	}
	intents, err := tx.IntentsOf(g.self, plan.Leave)
	if err != nil {
		return 0, err
	}
	for _, i := range intents {
		l, err := plan.ParseLeave(&i)
		if err != nil || string(i.Group) != string(row.ID) {
			continue
		}
		if !t.Asked(t.Head, l) { // said on a branch that lost
			l = message.NewLeave(g.self, row.ID, t.Top().Name, g.cfg.Identity.Sign)
			if err := tx.SetIntentValue(i.ID, plan.LeaveValue(l)); err != nil {
				return 0, err
			}
		}
		wait = max(talk.Patience, now.Sub(i.Created))
		for _, id := range t.Top().Roster.Others(g.self) {
			if !g.MayAsk(row.ID, id, message.ControlLeave) {
				continue
			}
			if err := g.Say(tx, fx, row.ID, id, &message.LeaveNote{Leave: l}); err != nil {
				return 0, err
			}
		}
	}
	return wait, nil
}
