package cards

import (
	"slices"
	"time"

	"quicnprotochat/node/epochs"
	"quicnprotochat/node/message"
	"quicnprotochat/rpc"
)

// State is what became of a commit here.
type State byte

// The states of a commit.
const (
	StateNew    State = 0 // not opened
	StateIn     State = 1 // we hold the keys of the epoch that it leads to
	StateClosed State = 2 // it does not open for us, or is not what its card says
	StateGone   State = 3 // we were in its epoch, and the keys are erased
	StateOut    State = 4 // it opens and removes us
	StateLast   State = 5 // the last epoch that we were in: we are removed, and its keys are erased
)

// Epoch is an epoch of a group: the commit that leads to it.
type Epoch struct {
	Name, Parent message.EpochName
	Card         *message.CommitCard // nil for the oldest
	State        State
	// Size is that of the commit itself in bytes, 0 if only its card is here.
	Size int
	// Seen is when it became known.
	Seen time.Time
	// Roster is who is in it, and Up the index of its parent, -1 for the oldest:
	// both are found by New.
	Roster *Roster
	Up     int
}

// Tree is what we know of the epochs of a group, from the oldest on. What its
// committer had no right to is not in it, nor what hangs on that.
type Tree struct {
	// Root describes the oldest epoch.
	Root *message.GroupRoot
	// Epochs are those that hang together with the oldest, parents before
	// children, siblings by name.
	Epochs []*Epoch
	// Loose are those of whose ancestors one is not known, Wrong those that are
	// against the rules of the group.
	Loose, Wrong []*Epoch
	// Head is the index of the head, as Choose found it.
	Head int

	index   map[message.EpochName]int
	people  []rpc.Identity
	numbers map[rpc.Identity]int
	rule    *epochs.Tree
}

// New returns the tree of epochs below the oldest, which root describes. It fills in
// their Roster and Up. Choose is to be called next.
func New(root *message.GroupRoot, oldest *Epoch, below []*Epoch) *Tree {
	t := &Tree{Root: root, index: make(map[message.EpochName]int, len(below)+1), numbers: make(map[rpc.Identity]int)}
	children := make(map[message.EpochName][]*Epoch, len(below))
	for _, e := range below {
		children[e.Parent] = append(children[e.Parent], e)
	}
	oldest.Roster, oldest.Up = NewRoster(root.Leaves, root.Profile), -1
	t.place(oldest)
	for i := 0; i < len(t.Epochs); i++ {
		at := t.Epochs[i]
		list := children[at.Name]
		delete(children, at.Name)
		slices.SortFunc(list, func(a, b *Epoch) int { return slices.Compare(a.Name[:], b.Name[:]) })
		for _, e := range list {
			t.judge(i, e)
		}
	}
	for _, rest := range children {
		t.Loose = append(t.Loose, rest...)
	}
	slices.SortFunc(t.Loose, func(a, b *Epoch) int {
		if c := a.Seen.Compare(b.Seen); c != 0 {
			return c
		}
		return slices.Compare(a.Name[:], b.Name[:])
	})
	return t
}

// judge places an epoch below the one of index up, or among those that are wrong.
func (t *Tree) judge(up int, e *Epoch) {
	roster, err := t.Epochs[up].Roster.after(e.Card, func(l message.Leave) bool { return t.Asked(up, l) })
	if err != nil || e.Card.Number != t.Number(up)+1 {
		t.Wrong = append(t.Wrong, e)
		return
	}
	e.Roster, e.Up = roster, up
	t.place(e)
}

// Allows returns ErrPolicy if a card may not be made in the epoch of index up.
func (t *Tree) Allows(up int, card *message.CommitCard) error {
	_, err := t.Epochs[up].Roster.after(card, func(l message.Leave) bool { return t.Asked(up, l) })
	return err
}

func (t *Tree) place(e *Epoch) {
	t.index[e.Name] = len(t.Epochs)
	t.Epochs = append(t.Epochs, e)
	if e.Up >= 0 && t.Epochs[e.Up].Roster == e.Roster {
		return
	}
	for _, id := range e.Roster.leaves {
		if _, ok := t.numbers[id]; !ok && id != (rpc.Identity{}) {
			t.numbers[id] = len(t.people)
			t.people = append(t.people, id)
		}
	}
}

// Number is that of an epoch.
func (t *Tree) Number(i int) uint64 {
	if t.Epochs[i].Card == nil {
		return t.Root.Number
	}
	return t.Epochs[i].Card.Number
}

// LastByAdmin is when the last commit of an admin on the way to an epoch became known
// here, or the oldest epoch if there is none.
func (t *Tree) LastByAdmin(at int) time.Time {
	e := t.Epochs[at]
	for e.Up >= 0 && !t.Epochs[e.Up].Roster.IsAdmin(e.Card.Committer) {
		e = t.Epochs[e.Up]
	}
	return e.Seen
}

// Asked reports whether a leave counts for a commit in an epoch: it was said at or
// above it, and who said it was not added again since.
func (t *Tree) Asked(at int, l message.Leave) bool {
	for i := at; i >= 0; i = t.Epochs[i].Up {
		e := t.Epochs[i]
		if e.Name == l.Epoch {
			return e.Roster.Has(l.Who)
		}
		if e.Card != nil && slices.Contains(e.Card.Added, l.Who) {
			return false
		}
	}
	return false
}

// Choose applies the rule for self, to whom the GroupInfo of some epochs was offered.
func (t *Tree) Choose(self rpc.Identity, offered func(message.EpochName) bool) {
	t.rule = t.ruled(func(e *Epoch) bool {
		return e.Roster.Has(self) && (e.State == StateIn || e.State == StateLast || offered(e.Name))
	})
	t.Head = t.rule.Head()
}

// ruled returns the tree as the rule sees it, with what is enterable.
func (t *Tree) ruled(enterable func(e *Epoch) bool) *epochs.Tree {
	list := make([]epochs.Epoch, len(t.Epochs))
	for i, e := range t.Epochs {
		list[i] = epochs.Epoch{Parent: e.Up, Enterable: enterable(e)}
		copy(list[i].Hash[:], e.Name[:])
		if e.Card != nil {
			list[i].Author, list[i].External = t.numbers[e.Card.Committer], e.Card.External
		}
	}
	return epochs.New(list, 0, len(t.people), func(e, member int) (int, bool) {
		return t.Epochs[e].Roster.Rank(t.people[member])
	})
}

// Wish is the head if all epochs that self is a member of were enterable.
func (t *Tree) Wish(self rpc.Identity) int {
	return t.ruled(func(e *Epoch) bool { return e.Roster.Has(self) }).Head()
}

// Index returns the index of an epoch of that name.
func (t *Tree) Index(name message.EpochName) (i int, ok bool) {
	i, ok = t.index[name]
	return i, ok
}

// At returns the epoch of that name; nil if it is not in the tree.
func (t *Tree) At(name message.EpochName) *Epoch {
	if i, ok := t.index[name]; ok {
		return t.Epochs[i]
	}
	return nil
}

// Top is the head.
func (t *Tree) Top() *Epoch { return t.Epochs[t.Head] }

// Below reports whether e is a or below it.
func (t *Tree) Below(a, e int) bool { return t.rule.Below(a, e) }

// Prefers reports whether the rule puts a before b, with both taken as enterable.
func (t *Tree) Prefers(a, b int) bool { return t.rule.Prefers(a, b) }

// Settled reports whether the most senior member of its parent has committed at or
// below an epoch.
func (t *Tree) Settled(e int) bool { return t.rule.Settled(e) }

// OnPath reports whether the head is an epoch or below it.
func (t *Tree) OnPath(name message.EpochName) bool {
	i, ok := t.index[name]
	return ok && t.rule.Below(i, t.Head)
}

// Knows reports whether somebody is or was a member in some epoch.
func (t *Tree) Knows(id rpc.Identity) bool { _, ok := t.numbers[id]; return ok }

// RemovedBy returns the card that removes somebody on a branch that comes before
// the head; nil if there is none.
func (t *Tree) RemovedBy(who rpc.Identity) *message.CommitCard {
	if i := t.removedAt(who); i >= 0 {
		return t.Epochs[i].Card
	}
	return nil
}

// removedAt is the index of RemovedBy, or -1.
func (t *Tree) removedAt(who rpc.Identity) int {
	return slices.IndexFunc(t.Epochs, func(e *Epoch) bool {
		i := t.index[e.Name]
		return e.Card != nil && e.State != StateClosed && slices.Contains(e.Card.Removed, who) && t.rule.Prefers(i, t.Head)
	})
}

// Outvoted reports whether the commit that added somebody has lost: there is a branch
// that comes before the head, and who came in later than the root is not in it.
func (t *Tree) Outvoted(who rpc.Identity) bool {
	return !t.Epochs[0].Roster.Has(who) && slices.ContainsFunc(t.Epochs, func(e *Epoch) bool {
		i := t.index[e.Name]
		return e.State != StateClosed && !e.Roster.Has(who) && !t.rule.Below(i, t.Head) && t.rule.Prefers(i, t.Head)
	})
}

// Chain returns the indices from the root to an epoch.
func (t *Tree) Chain(i int) (all []int) {
	for ; i >= 0; i = t.Epochs[i].Up {
		all = append(all, i)
	}
	slices.Reverse(all)
	return all
}

// Tips returns the epochs on which nothing is built, the latest of the tree first.
func (t *Tree) Tips() (tips []*Epoch) {
	built := make([]bool, len(t.Epochs))
	for i := len(t.Epochs) - 1; i >= 0; i-- {
		if !built[i] {
			tips = append(tips, t.Epochs[i])
		}
		if up := t.Epochs[i].Up; up >= 0 {
			built[up] = true
		}
	}
	return tips
}

// Lacks returns the epochs that a member lacks that knows some, parents before
// children: not those below one that removed it, unless it was added again.
func (t *Tree) Lacks(member rpc.Identity, known []message.EpochName) (all []*Epoch) {
	skip, hidden := make([]bool, len(t.Epochs)), make([]bool, len(t.Epochs))
	for _, name := range known {
		if i, ok := t.index[name]; ok {
			for ; i >= 0 && !skip[i]; i = t.Epochs[i].Up {
				skip[i] = true
			}
		}
	}
	for i, e := range t.Epochs {
		if e.Card == nil {
			continue
		}
		up := t.Epochs[e.Up].Card
		hidden[i] = hidden[e.Up] || up != nil && slices.Contains(up.Removed, member)
		hidden[i] = hidden[i] && !slices.Contains(e.Card.Added, member)
		if !skip[i] && !hidden[i] {
			all = append(all, e)
		}
	}
	return all
}
