package group

import (
	"crypto/sha256"
	"errors"
	"fmt"

	"quicnprotochat/mls"
	"quicnprotochat/node/cards"
	"quicnprotochat/node/charter"
	"quicnprotochat/node/convo"
	"quicnprotochat/node/convo/news"
	"quicnprotochat/node/message"
	"quicnprotochat/node/store"
	"quicnprotochat/rpc"
)

// Part implements convo.Groups.
func (g *Groups) Part(tx *store.Tx, fx *news.Effects, part message.Part) error {
	switch p := part.(type) {
	case *message.GroupTree:
		return g.takeTree(tx, fx, p)
	case message.ContactCards:
		return g.TakeCards(tx, fx, p)
	}
	return fmt.Errorf("%w: unknown part of a frame", convo.ErrRefused)
}

// takeTree keeps the commits that somebody sent, opens those that can be opened,
// and tells their committers.
func (g *Groups) takeTree(tx *store.Tx, fx *news.Effects, t *message.GroupTree) error {
	if len(t.Commits) == 0 {
		return nil
	}
	var (
		row      store.Group
		authors  = make(map[rpc.Identity]bool)
		fresh    bool
		rowKnown bool
	)
	for _, commit := range t.Commits {
		card, err := message.ParseCommitCard(commit.Card)
		if err != nil {
			return fmt.Errorf("%w: %w", convo.ErrRefused, err)
		}
		if !rowKnown {
			if row, _, err = g.group(tx, card.Group); errors.Is(err, ErrUnknown) {
				return convo.ErrWaiting // the Welcome may be on its way
			} else if err != nil {
				return err
			}
			rowKnown = true
		}
		if string(card.Group) != string(row.ID) {
			return fmt.Errorf("%w: tree of two groups", convo.ErrRefused)
		}
		isNew, err := g.take(tx, card, commit)
		if err != nil {
			return err
		}
		fresh = fresh || isNew
		if len(commit.Message) > 0 && card.Committer != g.self {
			authors[card.Committer] = true
		}
	}
	if fresh {
		if err := g.advance(tx, fx, row); err != nil {
			return err
		}
	}
	for id := range authors {
		if err := g.Report(tx, fx, row.ID, id); err != nil {
			return err
		}
	}
	return nil
}

// take keeps a commit, and reports whether anything of it was not here.
func (g *Groups) take(tx *store.Tx, card *message.CommitCard, commit message.Commit) (isNew bool, err error) {
	name, err := card.Name()
	if err != nil {
		return false, fmt.Errorf("%w: %w", convo.ErrRefused, err)
	}
	if len(commit.Message) > 0 && sha256.Sum256(commit.Message) != card.Digest {
		return false, fmt.Errorf("%w: commit that is not the one of its card", convo.ErrRefused)
	}
	if card.Parent == (message.EpochName{}) {
		return false, fmt.Errorf("%w: commit without a parent", convo.ErrRefused)
	}
	row, err := tx.Commit(card.Group, name)
	switch {
	case store.IsNotFound(err):
		row = store.Commit{Group: card.Group, Name: name, Parent: card.Parent, Card: commit.Card, Seen: tx.Now()}
	case err != nil || row.Size > 0 || len(commit.Message) == 0:
		return false, err
	}
	row.Message = commit.Message
	return true, tx.PutCommit(row)
}

// advance opens what can be opened and finds the head.
func (g *Groups) advance(tx *store.Tx, fx *news.Effects, row store.Group) error {
	t, err := g.load(tx, row.ID)
	if err != nil {
		return err
	}
	if did, err := g.prune(tx, row.ID, t); err != nil {
		return err
	} else if did {
		if t, err = g.load(tx, row.ID); err != nil {
			return err
		}
	}
	for _, e := range t.Epochs { // parents before children
		if e.Card == nil || e.State != cards.StateNew || e.Size == 0 {
			continue
		}
		up := t.Epochs[e.Up]
		if up.State != cards.StateIn || !up.Roster.Has(g.self) {
			continue
		}
		state, err := g.open(tx, row, t, e)
		if err != nil {
			return err
		}
		if state == cards.StateIn {
			fx.Entered()
		}
		if err := setState(tx, row.ID, e, state); err != nil {
			return err
		}
	}
	t.Choose(g.self, g.offered)
	return g.settle(tx, fx, row, t)
}

// open opens a commit, once. What is not as its card says stays closed: it counts
// for the rule as the card says, and nobody honest enters it.
func (g *Groups) open(tx *store.Tx, row store.Group, t *cards.Tree, n *cards.Epoch) (state cards.State, err error) {
	commit, err := tx.Commit(row.ID, n.Name)
	if err != nil {
		return cards.StateNew, err
	}
	ep, records, err := g.cfg.Engine.Epoch(tx, n.Parent)
	if err != nil {
		return cards.StateNew, err
	}
	staged, err := ep.Stage(records, commit.Message, mls.StageConfig{MaxMembers: message.MaxMembers})
	if err == nil {
		err = charter.Check(n, staged, ep.Extensions())
	}
	if err != nil {
		g.cfg.Log.Warn("commit does not open", "group", row.ID, "epoch", n.Name, "err", err)
		return cards.StateClosed, nil
	}
	if staged.RemovesUs() {
		return cards.StateOut, nil
	}
	next, err := staged.Apply(records)
	if err != nil {
		return cards.StateNew, fmt.Errorf("enter epoch: %w", err)
	}
	if next.Binding() != n.Card.Binding || !charter.Describes(n.Roster, next.Members(), next.Extensions()) {
		g.cfg.Log.Warn("commit is not what its card says", "group", row.ID, "epoch", n.Name)
		return cards.StateClosed, nil
	}
	return cards.StateIn, g.cfg.Engine.Save(tx, row, n.Name, next)
}

// settle moves to the head. What is to be done on account of that, Tend does.
func (g *Groups) settle(tx *store.Tx, fx *news.Effects, row store.Group, t *cards.Tree) error {
	c, err := tx.Conversation(row.Conversation)
	if err != nil {
		return err
	}
	fx.Change(row.ID)
	name, status, head := c.Name, c.Status, row.Epoch
	n := t.Top()
	if n.State == cards.StateIn && n.Roster.Has(g.self) {
		if n.Name != row.Epoch {
			if err := g.moved(tx, row, c, t); err != nil {
				return err
			}
			row.Epoch = n.Name
			if err := tx.PutGroup(row); err != nil {
				return err
			}
		}
		c.Name = n.Roster.Profile().Name
	}
	switch {
	case c.Status == StatusLeft:
	case t.RemovedBy(g.self) != nil, t.Outvoted(g.self):
		c.Status = StatusRemoved
	default:
		c.Status = StatusIn
	}
	if c.Name == name && c.Status == status && row.Epoch == head {
		return nil
	}
	fx.Show(news.Event{Kind: news.EventGroup, Conversation: c})
	return tx.PutConversation(c)
}

// moved: after a change to another branch, what waits in the outbox for a receipt
// is of an epoch that others may not be in. Tend encrypts it again.
func (g *Groups) moved(tx *store.Tx, row store.Group, c store.Conversation, t *cards.Tree) error {
	if t.OnPath(row.Epoch) {
		return nil
	}
	return g.unsend(tx, c)
}

// unsend takes messages without all receipts out of the outbox.
func (g *Groups) unsend(tx *store.Tx, c store.Conversation) error {
	messages, err := tx.Unreceipted(c.ID, g.self)
	if err != nil {
		return err
	}
	for _, m := range messages {
		if err := tx.DeleteOutgoingMessage(c.ID, m.ID); err != nil {
			return err
		}
	}
	return nil
}
