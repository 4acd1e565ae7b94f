package group

import (
	"crypto/sha256"
	"fmt"
	"time"

	"quicnprotochat/mls"
	"quicnprotochat/node/audience"
	"quicnprotochat/node/cards"
	"quicnprotochat/node/charter"
	"quicnprotochat/node/convo/news"
	"quicnprotochat/node/message"
	"quicnprotochat/node/plan"
	"quicnprotochat/node/store"
	"quicnprotochat/rpc"
)

// treeBeside is how many members a group has at least whose ratchet tree lies
// beside the Welcome.
const treeBeside = 64

// commit commits a plan on the head and enters the new epoch.
func (g *Groups) commit(tx *store.Tx, fx *news.Effects, row store.Group, t *cards.Tree, p *plan.Plan, now time.Time) error {
	if err := fx.Durable(); err != nil {
		return err
	}
	at := t.Top()
	ep, records, err := g.cfg.Engine.Epoch(tx, at.Name)
	if err != nil {
		return err
	}
	cfg := mls.CommitConfig{
		Add: p.Adds, Update: true, Now: now, TreeBeside: at.Roster.Size() >= treeBeside,
	}
	if p.Changes(at.Roster) {
		if cfg.Extensions, err = charter.With(ep.Extensions(), p.Profile); err != nil {
			return err
		}
	}
	for _, m := range ep.Members() {
		for _, id := range p.Removes {
			if id == rpc.Identity(m.Identity) {
				cfg.Remove = append(cfg.Remove, m.Leaf)
			}
		}
	}
	staged, err := ep.Commit(records, cfg)
	if err != nil {
		return err
	}
	next, err := staged.Apply(nil)
	if err != nil {
		return err
	}
	card := &message.CommitCard{
		Group: row.ID, Parent: at.Name, Number: next.Number(), Committer: g.self,
		Removed: p.Removes, Leaves: p.Leaves, Binding: next.Binding(), Digest: sha256.Sum256(staged.Message()),
	}
	for _, m := range staged.Changes().Added {
		card.Added = append(card.Added, rpc.Identity(m.Identity))
	}
	if cfg.Extensions != nil {
		card.Profile = &p.Profile
	}
	if err := t.Allows(t.Head, card); err != nil {
		return g.forgo(tx, row, p, err)
	}
	made, err := g.keepOwn(tx, row, card, staged.Message(), next, now)
	if err != nil {
		return err
	}
	if err := g.spread(tx, fx, row, at, made, now); err != nil {
		return err
	}
	if err := g.fulfil(tx, fx, row, t, made, staged, p, now); err != nil {
		return err
	}
	return g.advance(tx, fx, row)
}

// forgo gives up what is wanted where all of it together is against the rules of the
// group: nobody would take the commit, we neither.
func (g *Groups) forgo(tx *store.Tx, row store.Group, p *plan.Plan, cause error) error {
	g.cfg.Log.Warn("what is wanted in a group is given up", "group", row.ID, "err", cause)
	for _, i := range p.Intents {
		if err := tx.DeleteIntent(i.ID); err != nil {
			return err
		}
	}
	return nil
}

// ownCommit is a commit that we have made and kept.
type ownCommit struct {
	name   message.EpochName
	card   *message.CommitCard
	commit message.Commit
}

// keepOwn signs the card of an own commit, and keeps both and the new epoch.
func (g *Groups) keepOwn(tx *store.Tx, row store.Group, card *message.CommitCard, msg []byte, next *mls.Epoch, now time.Time) (made ownCommit, err error) {
	if err := card.Sign(g.cfg.Identity.Sign); err != nil {
		return made, err
	}
	made = ownCommit{card: card, commit: message.Commit{Message: msg}}
	if made.commit.Card, err = card.Encode(); err != nil {
		return made, err
	}
	if made.name, err = card.Name(); err != nil {
		return made, err
	}
	err = tx.PutCommit(store.Commit{
		Group: row.ID, Name: made.name, Parent: card.Parent, Card: made.commit.Card, Message: msg, State: byte(cards.StateIn), Seen: now,
	})
	if err != nil {
		return made, err
	}
	return made, g.cfg.Engine.Save(tx, row, made.name, next)
}

// spread puts a commit into the outbox for all who were in the epoch that it was
// made in. An external commit is sealed for each: who comes from outside has no key of
// that epoch.
func (g *Groups) spread(tx *store.Tx, fx *news.Effects, row store.Group, at *cards.Epoch, made ownCommit, now time.Time) error {
	parts := []message.Part{&message.GroupTree{Commits: []message.Commit{made.commit}}}
	if cards, err := g.Cards(tx, made.card.Added, now); err != nil {
		return err
	} else if len(cards) > 0 {
		parts = append(parts, cards)
	}
	frame, err := message.EncodeFrame(parts...)
	if err != nil {
		return fmt.Errorf("encode frame: %w", err)
	}
	out := store.Outgoing{
		Kind: store.KindCommit, Conversation: row.Conversation, Message: made.name, Group: row.ID, Created: now,
	}
	if made.card.External {
		out.Frame = frame
	} else if err := g.cfg.Engine.Wrap(tx, row, at.Name, frame, &out); err != nil {
		return err
	}
	return audience.AddTo(tx, fx, out, at.Roster.Others(g.self))
}

// fulfil notes which intents a commit is of, and puts the Welcomes into the outbox.
func (g *Groups) fulfil(tx *store.Tx, fx *news.Effects, row store.Group, t *cards.Tree, made ownCommit, staged *mls.Staged, p *plan.Plan, now time.Time) error {
	for _, i := range p.Intents {
		if err := tx.SetIntent(i.ID, i.Package, made.name); err != nil {
			return err
		}
	}
	if len(made.card.Added) == 0 {
		return nil
	}
	frame, err := g.welcomeFrame(tx, t, made, staged, now)
	if err != nil {
		return err
	}
	for _, id := range made.card.Added {
		if err := tx.DeleteOutgoingKind(id, store.KindWelcome, row.ID); err != nil {
			return err
		}
	}
	var adds []int64
	for _, i := range p.Intents {
		if i.Kind == plan.Add {
			adds = append(adds, i.ID)
		}
	}
	if err := tx.SetWelcome(frame, adds); err != nil {
		return err
	}
	return audience.AddTo(tx, fx, store.Outgoing{
		Kind: store.KindWelcome, Frame: frame, Conversation: row.Conversation, Message: made.name, Group: row.ID, Created: now,
	}, made.card.Added)
}

// welcomeFrame is what a new member gets: the Welcome, the tree of epochs from our
// root to the one that it enters, and the cards of the other members.
func (g *Groups) welcomeFrame(tx *store.Tx, t *cards.Tree, made ownCommit, staged *mls.Staged, now time.Time) ([]byte, error) {
	parts := []message.Part{message.MLSMessages{staged.Welcome()}}
	if beside := staged.RatchetTree(); len(beside) > 0 {
		parts = append(parts, message.RatchetTree(beside))
	}
	history, err := g.history(tx, t, t.Head)
	if err != nil {
		return nil, err
	}
	c, err := tx.Conversation(charter.ConversationID(t.Root.Group))
	if err != nil {
		return nil, err
	}
	history.Root.Lamport = c.Lamport
	history.Commits = append(history.Commits, message.Commit{Card: made.commit.Card})
	parts = append(parts, history)
	cards, err := g.Cards(tx, t.Top().Roster.Members(), now)
	if err != nil {
		return nil, err
	}
	more, err := g.Cards(tx, made.card.Added, now)
	if err != nil {
		return nil, err
	}
	if cards = append(cards, more...); len(cards) > 0 {
		parts = append(parts, cards)
	}
	frame, err := message.EncodeFrame(parts...)
	if err != nil {
		return nil, fmt.Errorf("encode frame: %w", err)
	}
	return frame, nil
}

// history is the tree from an old enough epoch to one at or below it, cards only.
func (g *Groups) history(tx *store.Tx, t *cards.Tree, to int) (*message.GroupTree, error) {
	chain := t.Chain(to)
	from := max(0, len(chain)-message.MaxCommits+1)
	n := t.Epochs[chain[from]]
	h := &message.GroupTree{Root: &message.GroupRoot{
		Group: t.Root.Group, Name: n.Name, Number: t.Number(chain[from]), Profile: n.Roster.Profile(), Leaves: n.Roster.Leaves(),
	}}
	for _, i := range chain[from+1:] {
		row, err := tx.Commit(t.Root.Group, t.Epochs[i].Name)
		if err != nil {
			return nil, err
		}
		h.Commits = append(h.Commits, message.Commit{Card: row.Card})
	}
	return h, nil
}
