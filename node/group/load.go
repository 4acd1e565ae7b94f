package group

import (
	"fmt"

	"quicnprotochat/node/cards"
	"quicnprotochat/node/message"
	"quicnprotochat/node/store"
)

// load reads the tree of a group and finds the head.
func (g *Groups) load(tx *store.Tx, group []byte) (*cards.Tree, error) {
	rows, err := tx.Commits(group)
	if err != nil {
		return nil, err
	}
	return g.build(rows)
}

// build makes the tree of its rows.
func (g *Groups) build(rows []store.Commit) (*cards.Tree, error) {
	var (
		root   *message.GroupRoot
		oldest *cards.Epoch
		below  = make([]*cards.Epoch, 0, len(rows))
		err    error
	)
	for _, row := range rows {
		e := &cards.Epoch{Name: row.Name, Parent: row.Parent, State: cards.State(row.State), Size: row.Size, Seen: row.Seen}
		if row.Parent == (message.EpochName{}) {
			if root, err = message.ParseGroupRoot(row.Card); err != nil {
				return nil, fmt.Errorf("root of group: %w", store.ErrDamaged)
			}
			oldest = e
			continue
		}
		if e.Card, err = g.card(row.Name, row.Card); err != nil {
			return nil, fmt.Errorf("card of commit: %w", store.ErrDamaged)
		}
		below = append(below, e)
	}
	if root == nil {
		return nil, fmt.Errorf("group without a root: %w", store.ErrDamaged)
	}
	t := cards.New(root, oldest, below)
	t.Choose(g.self, g.offered)
	return t, nil
}

// cardsKept is how many parsed cards are kept.
const cardsKept = 8192

// card returns a parsed commit card, whose signatures were checked when it came.
func (g *Groups) card(name message.EpochName, b []byte) (*message.CommitCard, error) {
	g.mu.Lock()
	c := g.cards[name]
	g.mu.Unlock()
	if c != nil {
		return c, nil
	}
	c, err := message.ParseCommitCard(b)
	if err != nil {
		return nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.cards) >= cardsKept {
		clear(g.cards)
	}
	g.cards[name] = c
	return c, nil
}
