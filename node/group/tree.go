package group

import (
	"fmt"
	"slices"
	"time"

	"quicnprotochat/node/epochs"
	"quicnprotochat/node/message"
	"quicnprotochat/node/store"
	"quicnprotochat/rpc"
)

// States of a commit.
const (
	stateNew    byte = 0 // not opened
	stateIn     byte = 1 // we hold the keys of the epoch that it leads to
	stateClosed byte = 2 // it does not open for us, or is not what its card says
	stateGone   byte = 3 // we were in its epoch, and the keys are erased
	stateOut    byte = 4 // it opens and removes us
)

// node is an epoch of a tree.
type node struct {
	name, parent message.EpochName
	card         *message.CommitCard // nil for the root
	roster       *roster
	state        byte
	message      bool // the commit itself is here
	seen         time.Time
	up           int // index of the parent, -1 for the root
}

// tree is what we know of the epochs of a group, from the oldest on. What its
// committer had no right to is not in it, nor what hangs on that.
type tree struct {
	root    *message.GroupRoot
	nodes   []*node // parents before children
	index   map[message.EpochName]int
	loose   []*message.CommitCard // those that do not hang together with the root
	people  []rpc.Identity
	numbers map[rpc.Identity]int
	head    int
	rule    *epochs.Tree
}

// load reads the tree of a group and finds the head.
func (g *Groups) load(tx *store.Tx, group []byte) (*tree, error) {
	rows, err := tx.Commits(group)
	if err != nil {
		return nil, err
	}
	return g.build(rows)
}

// build makes the tree of its rows.
func (g *Groups) build(rows []store.Commit) (*tree, error) {
	t := &tree{index: make(map[message.EpochName]int), numbers: make(map[rpc.Identity]int)}
	children := make(map[message.EpochName][]*node)
	for _, row := range rows {
		if row.Parent == (message.EpochName{}) {
			root, err := message.ParseGroupRoot(row.Card)
			if err != nil {
				return nil, fmt.Errorf("root of group: %w", store.ErrDamaged)
			}
			t.root = root
			t.place(&node{name: row.Name, roster: newRoster(root.Leaves, root.Profile), state: row.State, seen: row.Seen, up: -1})
			continue
		}
		card, err := g.card(row.Name, row.Card)
		if err != nil {
			return nil, fmt.Errorf("commit card: %w", store.ErrDamaged)
		}
		children[row.Parent] = append(children[row.Parent], &node{
			name: row.Name, parent: row.Parent, card: card, state: row.State, message: row.Size > 0, seen: row.Seen,
		})
	}
	if t.root == nil {
		return nil, fmt.Errorf("group without a root: %w", store.ErrDamaged)
	}
	t.grow(children)
	t.choose(g.self, g.offered)
	return t, nil
}

// grow places what hangs together with the root, parents before children.
func (t *tree) grow(children map[message.EpochName][]*node) {
	for i := 0; i < len(t.nodes); i++ {
		at := t.nodes[i]
		below := children[at.name]
		delete(children, at.name)
		slices.SortFunc(below, func(a, b *node) int { return slices.Compare(a.name[:], b.name[:]) })
		for _, n := range below {
			if n.card.Number != t.number(i)+1 {
				continue
			}
			var err error
			n.roster, err = at.roster.after(n.card, func(l message.Leave) bool { return t.asked(i, l) })
			if err != nil {
				continue
			}
			n.up = i
			t.place(n)
		}
	}
	for _, rest := range children {
		for _, n := range rest {
			t.loose = append(t.loose, n.card)
		}
	}
}

func (t *tree) place(n *node) {
	t.index[n.name] = len(t.nodes)
	t.nodes = append(t.nodes, n)
	for id := range n.roster.ranks {
		if _, ok := t.numbers[id]; !ok {
			t.numbers[id] = len(t.people)
			t.people = append(t.people, id)
		}
	}
}

// number is that of an epoch.
func (t *tree) number(i int) uint64 {
	if t.nodes[i].card == nil {
		return t.root.Number
	}
	return t.nodes[i].card.Number
}

// asked reports whether a leave counts for a commit in an epoch: it was said at or
// above it, and who said it was not added again since.
func (t *tree) asked(at int, l message.Leave) bool {
	for i := at; i >= 0; i = t.nodes[i].up {
		n := t.nodes[i]
		if n.name == l.Epoch {
			return n.roster.has(l.Who)
		}
		if n.card != nil && slices.Contains(n.card.Added, l.Who) {
			return false
		}
	}
	return false
}

// choose applies the rule.
func (t *tree) choose(self rpc.Identity, offered func(message.EpochName) bool) {
	t.rule = t.ruled(func(n *node) bool { return n.roster.has(self) && (n.state == stateIn || offered(n.name)) })
	t.head = t.rule.Head()
}

// ruled returns the tree as the rule sees it, with what is enterable.
func (t *tree) ruled(enterable func(n *node) bool) *epochs.Tree {
	list := make([]epochs.Epoch, len(t.nodes))
	for i, n := range t.nodes {
		list[i] = epochs.Epoch{Parent: n.up, Enterable: enterable(n)}
		copy(list[i].Hash[:], n.name[:])
		if n.card != nil {
			list[i].Author, list[i].External = t.numbers[n.card.Committer], n.card.External
		}
	}
	return epochs.New(list, 0, len(t.people), func(e, member int) (int, bool) {
		return t.nodes[e].roster.rank(t.people[member])
	})
}

// wish is the head if all epochs that we are a member of were enterable.
func (t *tree) wish(self rpc.Identity) int {
	return t.ruled(func(n *node) bool { return n.roster.has(self) }).Head()
}

// at returns the node of that name; nil if it is not in the tree.
func (t *tree) at(name message.EpochName) *node {
	if i, ok := t.index[name]; ok {
		return t.nodes[i]
	}
	return nil
}

// top is the node of the head.
func (t *tree) top() *node { return t.nodes[t.head] }

// onPath reports whether the head is an epoch or below it.
func (t *tree) onPath(name message.EpochName) bool {
	i, ok := t.index[name]
	return ok && t.rule.Below(i, t.head)
}

// removedBy returns the card that removes somebody on a branch that comes before
// the head; nil if there is none.
func (t *tree) removedBy(who rpc.Identity) *message.CommitCard {
	for i, n := range t.nodes {
		if n.card != nil && n.state != stateClosed && slices.Contains(n.card.Removed, who) && t.rule.Prefers(i, t.head) {
			return n.card
		}
	}
	return nil
}

// chain returns the indices from the root to an epoch.
func (t *tree) chain(i int) (all []int) {
	for ; i >= 0; i = t.nodes[i].up {
		all = append(all, i)
	}
	slices.Reverse(all)
	return all
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
