package group

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"quicnprotochat/mls"
	"quicnprotochat/node/cards"
	"quicnprotochat/node/charter"
	"quicnprotochat/node/convo"
	"quicnprotochat/node/convo/news"
	"quicnprotochat/node/known"
	"quicnprotochat/node/message"
	"quicnprotochat/node/store"
	"quicnprotochat/rpc"
)

// Welcome implements convo.Groups: it enters the group that somebody whom we know
// has added us to. One to a group that we know already is of welcomeBack.
func (g *Groups) Welcome(tx *store.Tx, fx *news.Effects, ep *mls.Epoch) error {
	history := historyIn(fx.In.Parts, ep.GroupID())
	if history == nil {
		return fmt.Errorf("%w: welcome to a group without its tree", convo.ErrRefused)
	}
	w, err := welcomeOf(history, ep, tx.Now())
	if err != nil {
		return err
	}
	id := charter.ConversationID(ep.GroupID())
	c, err := tx.Conversation(id)
	if store.IsNotFound(err) {
		c = store.Conversation{ID: id, Created: tx.Now()}
	} else if err != nil {
		return err
	}
	row, err := tx.Group(ep.GroupID())
	if store.IsNotFound(err) {
		return g.begin(tx, fx, c, w)
	}
	if err != nil {
		return err
	}
	if row.Conversation != id {
		return fmt.Errorf("%w: welcome to a group with the id of a conversation of two", convo.ErrRefused)
	}
	return g.welcomeBack(tx, fx, row, c, w)
}

// welcome is a Welcome whose epoch MLS has entered, and what came beside it.
type welcome struct {
	epoch *mls.Epoch
	root  *message.GroupRoot
	// rows are the cards below root, parents before children; own names that of the
	// commit that adds us.
	rows []store.Commit
	own  message.EpochName
}

// welcomeOf reads the tree that came beside a Welcome.
func welcomeOf(h *message.GroupTree, ep *mls.Epoch, now time.Time) (*welcome, error) {
	w := &welcome{epoch: ep, root: h.Root}
	for _, commit := range h.Commits {
		card, err := message.ParseCommitCard(commit.Card)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", convo.ErrRefused, err)
		}
		name, err := card.Name()
		if err != nil || string(card.Group) != string(h.Root.Group) || card.Parent == (message.EpochName{}) {
			return nil, fmt.Errorf("%w: tree of another group", convo.ErrRefused)
		}
		if card.Binding == ep.Binding() {
			w.own = name
		}
		w.rows = append(w.rows, store.Commit{
			Group: card.Group, Name: name, Parent: card.Parent, Card: commit.Card, State: byte(cards.StateNew), Seen: now,
		})
	}
	if w.own == (message.EpochName{}) {
		return nil, fmt.Errorf("%w: welcome to an epoch that the tree does not lead to", convo.ErrRefused)
	}
	return w, nil
}

// tip finds the epoch of the Welcome in a tree, in which its commit adds us and is made
// by somebody who may.
func (g *Groups) tip(t *cards.Tree, w *welcome) (*cards.Epoch, error) {
	e := t.At(w.own)
	if e == nil || e.Card == nil || !slices.Contains(e.Card.Added, g.self) || e.Card.Number != w.epoch.Number() ||
		!charter.Describes(e.Roster, w.epoch.Members(), w.epoch.Extensions()) {
		return nil, fmt.Errorf("%w: welcome to an epoch that the tree does not lead to", convo.ErrRefused)
	}
	return e, nil
}

// begin enters a group that we do not know, with the tree that came beside the
// Welcome.
func (g *Groups) begin(tx *store.Tx, fx *news.Effects, c store.Conversation, w *welcome) error {
	root, err := w.root.Encode()
	if err != nil {
		return fmt.Errorf("%w: %w", convo.ErrRefused, err)
	}
	rows := append([]store.Commit{{
		Group: w.root.Group, Name: w.root.Name, Card: root, State: byte(cards.StateGone), Seen: tx.Now(),
	}}, w.rows...)
	t, err := g.build(rows)
	if err != nil {
		return fmt.Errorf("%w: %w", convo.ErrRefused, err)
	}
	tip, err := g.tip(t, w)
	if err != nil {
		return err
	}
	if err := g.mayInvite(tx, tip.Card.Committer); err != nil {
		return err
	}
	row := store.Group{
		ID: w.root.Group, Conversation: c.ID, Creator: t.Epochs[0].Roster.Members()[0], Counter: 1,
		Epoch: tip.Name, Suite: uint16(w.epoch.Suite()),
	}
	// What we say comes behind what was said before us.
	c.Lamport = max(c.Lamport, min(w.root.Lamport, message.MaxCounter/2))
	c.Group, c.Name, c.Status = row.ID, tip.Roster.Profile().Name, StatusIn
	if err := errors.Join(tx.PutConversation(c), tx.PutGroup(row)); err != nil {
		return err
	}
	fx.Show(news.Event{Kind: news.EventGroup, Peer: tip.Card.Committer, Conversation: c})
	fx.Change(row.ID)
	return g.enter(tx, fx, row, rows, tip, w)
}

// enter keeps the cards of a Welcome and its epoch.
func (g *Groups) enter(tx *store.Tx, fx *news.Effects, row store.Group, rows []store.Commit, tip *cards.Epoch, w *welcome) error {
	for _, r := range rows {
		if err := tx.PutCommit(r); err != nil {
			return err
		}
	}
	if err := setState(tx, row.ID, tip, cards.StateIn); err != nil {
		return err
	}
	if err := g.cfg.Engine.Save(tx, row, tip.Name, w.epoch); err != nil {
		return err
	}
	fx.Entered()
	return g.Report(tx, fx, row.ID, tip.Card.Committer)
}

// welcomeBack takes a Welcome to a group that we know: ours was on a branch that
// lost, or we were out. Its commit is judged by what we know of the group, not by what
// came beside it: else whoever knows the group's id could put a group of its own in
// the place of this one (RFC 9420, §12.4.3.1). What is here stays; the rule says which
// epoch is the head.
func (g *Groups) welcomeBack(tx *store.Tx, fx *news.Effects, row store.Group, c store.Conversation, w *welcome) error {
	rows, err := tx.Commits(row.ID)
	if err != nil {
		return err
	}
	known := make(map[message.EpochName]bool, len(rows))
	for _, r := range rows {
		known[r.Name] = true
	}
	var fresh []store.Commit
	for _, r := range w.rows {
		if !known[r.Name] && known[r.Parent] {
			known[r.Name] = true
			fresh = append(fresh, r)
		}
	}
	t, err := g.build(append(rows, fresh...))
	if err != nil {
		return err
	}
	if !known[w.own] {
		return g.beginAnew(tx, fx, row, c, t, w)
	}
	if e := t.At(w.own); e != nil && e.State != cards.StateNew {
		return nil // it leads to nothing new
	}
	tip, err := g.tip(t, w)
	if err != nil {
		return err
	}
	// Who came in by the word of somebody whom we know, on a branch that lost, may be
	// brought back by any admin.
	if c.Status == StatusLeft || t.RemovedBy(g.self) != nil {
		if err := g.mayInvite(tx, tip.Card.Committer); err != nil {
			return err
		}
	}
	if err := g.enter(tx, fx, row, fresh, tip, w); err != nil {
		return err
	}
	t.Choose(g.self, g.offered)
	if err := g.unleave(tx, row, c, t, tip); err != nil {
		return err
	}
	return g.advance(tx, fx, row)
}

// beginAnew takes a Welcome to a group of which we know nothing that its tree knows:
// we were away for long. An admin that we know of may begin the group for us anew,
// nobody else.
func (g *Groups) beginAnew(tx *store.Tx, fx *news.Effects, row store.Group, c store.Conversation, t *cards.Tree, w *welcome) error {
	for _, r := range w.rows {
		card, err := message.ParseCommitCard(r.Card)
		if err != nil {
			return fmt.Errorf("%w: %w", convo.ErrRefused, err)
		}
		if _, connected := t.Index(r.Parent); connected || r.Name == w.own && !t.Top().Roster.IsAdmin(card.Committer) {
			return fmt.Errorf("%w: welcome to another group of the same id", convo.ErrRefused)
		}
	}
	for _, e := range t.Epochs {
		g.cfg.Engine.Forget(e.Name)
	}
	if err := errors.Join(g.unsend(tx, c), tx.DeleteGroup(row.ID)); err != nil {
		return err
	}
	return g.begin(tx, fx, c, w)
}

// unleave: who has left and was added again on the head is in again.
func (g *Groups) unleave(tx *store.Tx, row store.Group, c store.Conversation, t *cards.Tree, tip *cards.Epoch) error {
	if c.Status != StatusLeft || !t.OnPath(tip.Name) {
		return nil
	}
	if err := forgetLeave(tx, row.ID, g.self); err != nil {
		return err
	}
	c.Status = StatusRemoved // until settle finds that we are in
	return tx.PutConversation(c)
}

// historyIn finds the tree of a group with a root among the parts of a frame.
func historyIn(parts []message.Part, group []byte) *message.GroupTree {
	for _, p := range parts {
		if t, ok := p.(*message.GroupTree); ok && t.Root != nil && string(t.Root.Group) == string(group) {
			return t
		}
	}
	return nil
}

// mayInvite lets nobody add us whom we do not know otherwise: the Welcome waits until we
// do. The inviter's introduction may still be on its way, and a fellow member of a group
// asks by it to be a contact.
func (g *Groups) mayInvite(tx *store.Tx, id rpc.Identity) error {
	c, err := tx.Contact(id)
	switch {
	case store.IsNotFound(err):
		return convo.ErrWaiting
	case err == nil && c.Via == known.ViaGroup:
		return &convo.Invitation{From: id}
	}
	return err
}
