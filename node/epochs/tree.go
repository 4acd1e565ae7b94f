package epochs

import (
	"bytes"
	"cmp"
)

// Epoch is one epoch of a group, as far as the rule looks at it.
type Epoch struct {
	// Parent is the index of the epoch that was committed on, less than the own
	// index; -1 if that is not known.
	Parent int
	// Author is the number of the member that committed, from 0 on.
	Author int
	// External says that it was an external commit, by a member that came back.
	External bool
	// Enterable: one is in it and holds its keys, or somebody gave its GroupInfo.
	Enterable bool
	// Hash orders siblings where nothing else does.
	Hash [32]byte
}

// Rank returns the place of a member in the seniority of an epoch, 0 for the most
// senior; ok is false if it is no member there.
type Rank func(epoch, member int) (rank int, ok bool)

// Tree is what one member knows of the epochs of a group. Epochs from which no
// chain of parents leads to the root are not looked at.
type Tree struct {
	epochs []Epoch
	root   int
	rank   Rank
	words  int // of a set of members
	// spoke holds a set of members for each epoch: who has committed at or below
	// it, not externally. reach holds what hangs together with the root, can what
	// has an enterable epoch at or below it.
	spoke      []uint64
	reach, can []bool
}

// New returns the tree of epochs below root. Authors are less than members. The
// tree keeps epochs, which must not change.
func New(epochs []Epoch, root, members int, rank Rank) *Tree {
	n := len(epochs)
	t := &Tree{epochs: epochs, root: root, rank: rank, words: (members + 63) / 64}
	t.spoke = make([]uint64, n*t.words)
	flags := make([]bool, 2*n)
	t.reach, t.can = flags[:n], flags[n:]
	t.reach[root] = true
	for i := root + 1; i < n; i++ {
		p := epochs[i].Parent
		t.reach[i] = p >= root && p < i && t.reach[p]
	}
	for i := n - 1; i >= root; i-- {
		if !t.reach[i] {
			continue
		}
		e := &epochs[i]
		t.can[i] = t.can[i] || e.Enterable
		if i == root {
			break
		}
		set := t.set(i)
		if !e.External {
			set[e.Author/64] |= 1 << (e.Author % 64)
		}
		for w, bits := range set {
			t.set(e.Parent)[w] |= bits
		}
		t.can[e.Parent] = t.can[e.Parent] || t.can[i]
	}
	return t
}

// set is who has committed at or below an epoch.
func (t *Tree) set(e int) []uint64 { return t.spoke[e*t.words : (e+1)*t.words] }

// Below reports whether e is a or below it.
func (t *Tree) Below(a, e int) bool {
	for e > a {
		e = t.epochs[e].Parent
	}
	return e == a
}

// Head returns the head: where the rule leads to from the root.
func (t *Tree) Head() int {
	at := t.root
	for {
		best := -1
		for e := at + 1; e < len(t.epochs); e++ {
			if t.reach[e] && t.can[e] && t.epochs[e].Parent == at && (best < 0 || t.better(e, best)) {
				best = e
			}
		}
		if best < 0 {
			return at
		}
		at = best
	}
}

// better reports whether a comes before b, two siblings.
func (t *Tree) better(a, b int) bool {
	parent := t.epochs[a].Parent
	first, decides := -1, false
	x, y := t.set(a), t.set(b)
	for w := range x {
		for bits, member := x[w]^y[w], 64*w; bits != 0; bits, member = bits>>1, member+1 {
			if bits&1 == 0 {
				continue
			}
			r, ok := t.rank(parent, member)
			if ok && (first < 0 || r < first) {
				first, decides = r, x[w]>>(member%64)&1 != 0
			}
		}
	}
	if first >= 0 {
		return decides
	}
	return t.tie(parent, a, b) < 0
}

// tie compares two siblings between which nobody has decided.
func (t *Tree) tie(parent, a, b int) int {
	x, y := &t.epochs[a], &t.epochs[b]
	switch {
	case x.External != y.External && y.External:
		return -1
	case x.External != y.External:
		return 1
	}
	rx, _ := t.rank(parent, x.Author)
	ry, _ := t.rank(parent, y.Author)
	return cmp.Or(cmp.Compare(rx, ry), bytes.Compare(x.Hash[:], y.Hash[:]))
}

// Settled reports whether nobody but the most senior member of the parent of e can
// still turn the others away from e: that member has committed at or below it. It
// is false for the root.
func (t *Tree) Settled(e int) bool {
	if e == t.root {
		return false
	}
	parent := t.epochs[e].Parent
	for w, bits := range t.set(e) {
		for member := 64 * w; bits != 0; bits, member = bits>>1, member+1 {
			if bits&1 == 0 {
				continue
			}
			if r, ok := t.rank(parent, member); ok && r == 0 {
				return true
			}
		}
	}
	return false
}

// Fork returns the children of the last common epoch of a and b through which the
// two are reached; -1 for one that is that epoch itself.
func (t *Tree) Fork(a, b int) (x, y int) {
	x, y = -1, -1
	for a != b {
		if a > b {
			x, a = a, t.epochs[a].Parent
		} else {
			y, b = b, t.epochs[b].Parent
		}
	}
	return x, y
}

// Prefers reports whether the rule puts a, of any branch, before b, with both
// taken as enterable: a is below b, or its side of the fork is the better one.
func (t *Tree) Prefers(a, b int) bool {
	x, y := t.Fork(a, b)
	switch {
	case x < 0:
		return false
	case y < 0:
		return true
	}
	return t.better(x, y)
}
