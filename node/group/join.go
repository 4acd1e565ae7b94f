package group

import (
	"fmt"
	"slices"
	"time"

	"quicnprotochat/mls"
	"quicnprotochat/node/cards"
	"quicnprotochat/node/contact"
	"quicnprotochat/node/convo"
	"quicnprotochat/node/message"
	"quicnprotochat/node/store"
	"quicnprotochat/rpc"
)

// Welcome implements convo.Groups: it enters the group that somebody whom we know
// has added us to. In a group that we know already the Welcome counts if it leads
// to an epoch that we do not know: then it takes the place of what is here.
func (g *Groups) Welcome(tx *store.Tx, fx *convo.Effects, ep *mls.Epoch) error {
	now := time.Now()
	history := historyIn(fx.Parts(), ep.GroupID())
	if history == nil {
		return fmt.Errorf("%w: welcome to a group without its tree", convo.ErrRefused)
	}
	rows, t, tip, err := g.welcomed(history, ep, now)
	if err != nil {
		return err
	}
	if err := g.mayInvite(tx, t.Epochs[tip].Card.Committer); err != nil {
		return err
	}
	id := ConversationID(ep.GroupID())
	c, err := tx.Conversation(id)
	switch {
	case isNotFound(err):
		c = store.Conversation{ID: id, Created: now}
	case err != nil:
		return err
	default:
		if done, err := g.replaces(tx, c, t.Epochs[tip].Name); err != nil || done {
			return err
		}
	}
	root := t.Epochs[0].Roster
	row := store.Group{
		ID: ep.GroupID(), Conversation: id, Creator: root.Members()[0], Counter: 1,
		Epoch: t.Epochs[tip].Name, Suite: uint16(ep.Suite()),
	}
	// What we say comes behind what was said before us.
	c.Lamport = max(c.Lamport, min(history.Root.Lamport, message.MaxCounter/2))
	c.Group, c.Name, c.Status = row.ID, t.Epochs[tip].Roster.Profile().Name, StatusIn
	if err := tx.PutConversation(c); err != nil {
		return err
	}
	if err := tx.PutGroup(row); err != nil {
		return err
	}
	for _, commit := range rows {
		if err := tx.PutCommit(commit); err != nil {
			return err
		}
	}
	if err := g.cfg.Engine.Save(tx, row, row.Epoch, ep); err != nil {
		return err
	}
	fx.Entered()
	fx.Change(row.ID)
	fx.Show(convo.Event{Kind: convo.EventGroup, Conversation: c})
	return g.report(tx, fx, row.ID, t.Epochs[tip].Card.Committer)
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

// welcomed checks that the tree beside a Welcome leads to the epoch that the
// Welcome does, and returns it as rows.
func (g *Groups) welcomed(h *message.GroupTree, ep *mls.Epoch, now time.Time) (rows []store.Commit, t *cards.Tree, tip int, err error) {
	root, err := h.Root.Encode()
	if err != nil {
		return nil, nil, 0, fmt.Errorf("%w: %w", convo.ErrRefused, err)
	}
	rows = []store.Commit{{Group: h.Root.Group, Name: h.Root.Name, Card: root, State: byte(cards.StateGone), Seen: now}}
	for _, commit := range h.Commits {
		card, err := message.ParseCommitCard(commit.Card)
		if err != nil {
			return nil, nil, 0, fmt.Errorf("%w: %w", convo.ErrRefused, err)
		}
		name, err := card.Name()
		if err != nil || string(card.Group) != string(h.Root.Group) || card.Parent == (message.EpochName{}) {
			return nil, nil, 0, fmt.Errorf("%w: tree of another group", convo.ErrRefused)
		}
		state := cards.StateNew
		if card.Binding == ep.Binding() {
			state = cards.StateIn
		}
		rows = append(rows, store.Commit{
			Group: card.Group, Name: name, Parent: card.Parent, Card: commit.Card, State: byte(state), Seen: now,
		})
	}
	if t, err = g.build(rows); err != nil {
		return nil, nil, 0, fmt.Errorf("%w: %w", convo.ErrRefused, err)
	}
	tip = slices.IndexFunc(t.Epochs, func(n *cards.Epoch) bool { return n.State == cards.StateIn })
	if tip < 1 || !isOf(t.Epochs[tip].Roster, ep.Members(), ep.Extensions()) || !slices.Contains(t.Epochs[tip].Card.Added, g.self) {
		return nil, nil, 0, fmt.Errorf("%w: welcome to an epoch that the tree beside it does not lead to", convo.ErrRefused)
	}
	return rows, t, tip, nil
}

// mayInvite refuses to be added by somebody whom we do not know otherwise.
func (g *Groups) mayInvite(tx *store.Tx, id rpc.Identity) error {
	c, err := tx.Contact(id)
	if isNotFound(err) || err == nil && c.Via == convo.ViaGroup {
		return fmt.Errorf("%w: welcome from somebody who is not a contact", convo.ErrRefused)
	}
	return err
}

// replaces erases what is here of a group to which another Welcome came; done is
// true if the Welcome leads to nothing new.
func (g *Groups) replaces(tx *store.Tx, c store.Conversation, name message.EpochName) (done bool, err error) {
	row, err := tx.Group(c.Group)
	if isNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	t, err := g.load(tx, row.ID)
	if err != nil {
		return false, err
	}
	if n := t.At(name); n != nil && n.State != cards.StateNew {
		return true, nil
	}
	for _, n := range t.Epochs {
		g.cfg.Engine.Forget(n.Name)
	}
	if err := g.unsend(tx, c); err != nil {
		return false, err
	}
	return false, tx.DeleteGroup(row.ID)
}

// groupOf is the group that the frame is about; nil if it is about none.
func groupOf(parts []message.Part) []byte {
	for _, p := range parts {
		switch p := p.(type) {
		case *message.Control:
			return p.Group
		case *message.GroupTree:
			if p.Root != nil {
				return p.Root.Group
			}
			if card, err := message.ParseCommitCard(p.Commits[0].Card); err == nil {
				return card.Group
			}
		}
	}
	return nil
}

// takeCards keeps the cards of members of a group, and makes contacts of those who
// are none, so that members who have never met can reach each other.
func (g *Groups) takeCards(tx *store.Tx, fx *convo.Effects, cards message.ContactCards) error {
	row, _, err := g.group(tx, groupOf(fx.Parts()))
	if err != nil {
		return fmt.Errorf("%w: contact cards: %w", convo.ErrRefused, err)
	}
	t, err := g.load(tx, row.ID)
	if err != nil {
		return err
	}
	for _, raw := range cards {
		card, err := contact.ParseCard(raw)
		if err != nil {
			return fmt.Errorf("%w: %w", convo.ErrRefused, err)
		}
		if !t.Knows(card.Identity) || card.Identity == g.self {
			continue
		}
		if err := g.meet(tx, fx, row, card, raw); err != nil {
			return err
		}
	}
	return nil
}

// meet keeps the card of a member; one that is new gets ours.
func (g *Groups) meet(tx *store.Tx, fx *convo.Effects, row store.Group, card contact.Card, raw []byte) error {
	c, err := tx.Contact(card.Identity)
	isNew := isNotFound(err)
	switch {
	case isNew:
		c = store.Contact{Identity: card.Identity, Via: convo.ViaGroup, Introduced: true, Added: time.Now()}
		if c.Name, err = tx.FreeName(card.Name); err != nil {
			return err
		}
		fx.Show(convo.Event{Kind: convo.EventContact, Peer: c.Identity, Contact: c})
	case err != nil:
		return err
	}
	kept := convo.Newer(c.Card, card, raw)
	if !isNew && string(kept) == string(c.Card) {
		return nil
	}
	c.Card = kept
	if err := tx.PutContact(c); err != nil {
		return err
	}
	fx.Contact(c)
	if !isNew {
		return nil
	}
	return g.reportCard(tx, fx, row.ID, card.Identity)
}

// contactCards returns the cards of some members, as far as they may be handed on:
// one with a hello pass was for us alone. Our own is made.
func (g *Groups) contactCards(tx *store.Tx, ids []rpc.Identity, now time.Time) (cards message.ContactCards, err error) {
	for _, id := range ids {
		var raw []byte
		if id == g.self {
			raw, err = g.cfg.Profile.Card(tx, false, now)
		} else {
			raw, err = g.cardOf(tx, id)
		}
		if err != nil {
			return nil, err
		}
		if len(raw) > 0 {
			cards = append(cards, raw)
		}
	}
	return cards, nil
}

func (g *Groups) cardOf(tx *store.Tx, id rpc.Identity) ([]byte, error) {
	c, err := tx.Contact(id)
	if isNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	card, err := contact.ParseCard(c.Card)
	if err != nil || !card.Hello.IsZero() {
		return nil, nil
	}
	return c.Card, nil
}

// CardChanged implements convo.Groups: the card of a contact that can now be
// handed on goes to the groups that the contact is in.
func (g *Groups) CardChanged(tx *store.Tx, fx *convo.Effects, c store.Contact, before []byte) error {
	if old, err := contact.ParseCard(before); err == nil && old.Hello.IsZero() {
		return nil
	}
	if raw, err := g.cardOf(tx, c.Identity); err != nil || raw == nil {
		return err
	}
	conversations, err := tx.Conversations()
	if err != nil {
		return err
	}
	for _, conversation := range conversations {
		if !convo.IsGroup(conversation) || conversation.Status != StatusIn {
			continue
		}
		t, err := g.load(tx, conversation.Group)
		if err != nil {
			return err
		}
		if !t.Top().Roster.Has(c.Identity) {
			continue
		}
		for _, id := range t.Top().Roster.Others(g.self) {
			if id == c.Identity {
				continue
			}
			if err := g.tell(tx, fx, conversation.Group, id, c.Identity); err != nil {
				return err
			}
		}
	}
	return nil
}
