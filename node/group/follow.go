package group

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"quicnprotochat/mls"
	"quicnprotochat/node/convo"
	"quicnprotochat/node/message"
	"quicnprotochat/node/store"
	"quicnprotochat/rpc"
)

const (
	// maxCommits is how many commits of a group are kept.
	maxCommits = 4096
	// maxRivals is how many commits of one member in one epoch are kept on which
	// nobody else has built: more than one is equivocation.
	maxRivals = 2
)

// Part implements convo.Groups.
func (g *Groups) Part(tx *store.Tx, fx *convo.Effects, part message.Part) error {
	switch p := part.(type) {
	case *message.GroupTree:
		return g.takeTree(tx, fx, p)
	case message.ContactCards:
		return g.takeCards(tx, fx, p)
	}
	return fmt.Errorf("%w: unknown part of a frame", convo.ErrRefused)
}

// takeTree keeps the commits that somebody sent, opens those that can be opened,
// and tells their committers.
func (g *Groups) takeTree(tx *store.Tx, fx *convo.Effects, t *message.GroupTree) error {
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
		if err := g.report(tx, fx, row.ID, id); err != nil {
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
	if card.Parent == (message.EpochName{}) {
		return false, fmt.Errorf("%w: commit without a parent", convo.ErrRefused)
	}
	row, err := tx.Commit(card.Group, name)
	switch {
	case isNotFound(err):
		row = store.Commit{Group: card.Group, Name: name, Parent: card.Parent, Card: commit.Card, Seen: time.Now()}
	case err != nil || row.Size > 0 || len(commit.Message) == 0:
		return false, err
	}
	row.Message = commit.Message
	return true, tx.PutCommit(row)
}

// advance opens what can be opened and finds the head.
func (g *Groups) advance(tx *store.Tx, fx *convo.Effects, row store.Group) error {
	for {
		t, err := g.load(tx, row.ID)
		if err != nil {
			return err
		}
		if again, err := g.evict(tx, row.ID, t); err != nil {
			return err
		} else if again {
			continue
		}
		next := slices.IndexFunc(t.nodes, func(n *node) bool {
			if n.card == nil || n.state != stateNew || !n.message {
				return false
			}
			up := t.nodes[n.up]
			return up.state == stateIn && up.roster.has(g.self)
		})
		if next < 0 {
			return g.settle(tx, fx, row, t)
		}
		n := t.nodes[next]
		if n.state, err = g.open(tx, row, t, n); err != nil {
			return err
		}
		if n.state == stateIn {
			fx.Entered()
		}
		if err := tx.SetCommitState(row.ID, n.name, n.state); err != nil {
			return err
		}
	}
}

// open opens a commit, once. What is not as its card says stays closed: it counts
// for the rule as the card says, and nobody honest enters it.
func (g *Groups) open(tx *store.Tx, row store.Group, t *tree, n *node) (state byte, err error) {
	commit, err := tx.Commit(row.ID, n.name)
	if err != nil {
		return stateNew, err
	}
	ep, records, err := g.cfg.Engine.Epoch(tx, n.parent)
	if err != nil {
		return stateNew, err
	}
	staged, err := ep.Stage(records, commit.Message)
	if err == nil {
		err = n.matches(staged, t.nodes[n.up].roster)
	}
	if err != nil {
		g.cfg.Log.Warn("commit does not open", "group", row.ID, "epoch", n.name, "err", err)
		return stateClosed, nil
	}
	if staged.RemovesUs() {
		return stateOut, nil
	}
	next, err := staged.Apply(records)
	if err != nil {
		return stateNew, fmt.Errorf("enter epoch: %w", err)
	}
	if next.Binding() != n.card.Binding || !n.roster.isOf(next.Members(), next.Extensions()) {
		g.cfg.Log.Warn("commit is not what its card says", "group", row.ID, "epoch", n.name)
		return stateClosed, nil
	}
	return stateIn, g.cfg.Engine.Save(tx, row, n.name, next)
}

var errContradiction = errors.New("commit is not what its card says")

// matches compares what a commit does with its card, as far as it can be told
// before the commit is entered.
func (n *node) matches(staged *mls.Staged, before *roster) error {
	c := staged.Changes()
	same := string(c.Committer.Identity) == string(n.card.Committer[:]) && string(c.Leaf.Identity) == string(n.card.Committer[:]) &&
		c.External == n.card.External && len(c.PSKs) == 0 && c.ReInit == nil && len(c.Updated) == 0
	if !same {
		return errContradiction
	}
	removed := c.Removed
	if c.External {
		removed = nil // its own leaf
	}
	if !sameIdentities(removed, n.card.Removed) || !sameIdentities(c.Added, n.card.Added) {
		return errContradiction
	}
	profile, err := profileIn(c.Extensions)
	if err != nil || profile.Name != n.roster.profile.Name || !slices.Equal(profile.Admins, n.roster.profile.Admins) {
		return errContradiction
	}
	return nil
}

// sameIdentities compares members with a list, in any order.
func sameIdentities(members []mls.Member, list []rpc.Identity) bool {
	if len(members) != len(list) {
		return false
	}
	for _, m := range members {
		if len(m.Identity) != len(rpc.Identity{}) || !slices.Contains(list, rpc.Identity(m.Identity)) {
			return false
		}
	}
	return true
}

// settle moves to the head. What is to be done on account of that, Tend does.
func (g *Groups) settle(tx *store.Tx, fx *convo.Effects, row store.Group, t *tree) error {
	c, err := tx.Conversation(row.Conversation)
	if err != nil {
		return err
	}
	fx.Change(row.ID)
	name, status, head := c.Name, c.Status, row.Epoch
	n := t.top()
	if n.state == stateIn && n.roster.has(g.self) {
		if n.name != row.Epoch {
			if err := g.moved(tx, row, c, t); err != nil {
				return err
			}
			row.Epoch = n.name
			if err := tx.PutGroup(row); err != nil {
				return err
			}
		}
		c.Name = n.roster.profile.Name
	}
	out := t.removedBy(g.self)
	switch {
	case c.Status == StatusLeft:
	case out != nil:
		c.Status = StatusRemoved
	default:
		c.Status = StatusIn
	}
	if c.Name == name && c.Status == status && row.Epoch == head {
		return nil
	}
	fx.Show(convo.Event{Kind: convo.EventGroup, Conversation: c})
	return tx.PutConversation(c)
}

// moved: after a change to another branch, what waits in the outbox for a receipt
// is of an epoch that others may not be in. Tend encrypts it again.
func (g *Groups) moved(tx *store.Tx, row store.Group, c store.Conversation, t *tree) error {
	if t.onPath(row.Epoch) {
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

// evict removes a commit that is too many, and reports whether it did. Of the
// commits that one member alone made in one epoch, and on which nobody else has
// built, the first by their names stay: which those are does not depend on what
// came first. Commits that hang in the air are bounded in number only.
func (g *Groups) evict(tx *store.Tx, group []byte, t *tree) (bool, error) {
	type place struct{ parent, author int }
	rivals := make(map[place]int)
	for i, n := range t.nodes {
		if n.card == nil || t.rule.Below(i, t.head) || t.shared(i) {
			continue
		}
		at := place{n.up, t.numbers[n.card.Committer]}
		if rivals[at]++; rivals[at] > maxRivals { // children of one parent are in the order of their names
			return true, g.drop(tx, group, t, i)
		}
	}
	if len(t.nodes)+len(t.loose) <= maxCommits || len(t.loose) == 0 {
		return false, nil
	}
	name, err := t.loose[0].Name()
	if err != nil {
		return false, err
	}
	return true, tx.DeleteCommit(group, name)
}

// shared reports whether somebody else than its author has committed below an
// epoch.
func (t *tree) shared(i int) bool {
	author := t.nodes[i].card.Committer
	for j := i + 1; j < len(t.nodes); j++ {
		if t.nodes[j].card.Committer != author && t.rule.Below(i, j) {
			return true
		}
	}
	return false
}

// drop erases an epoch and all below it.
func (g *Groups) drop(tx *store.Tx, group []byte, t *tree, i int) error {
	for j := i; j < len(t.nodes); j++ {
		if !t.rule.Below(i, j) {
			continue
		}
		name := t.nodes[j].name
		if err := errors.Join(tx.DeleteCommit(group, name), g.erase(tx, name)); err != nil {
			return err
		}
	}
	return nil
}
