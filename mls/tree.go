package mls

import (
	"iter"
	"sync/atomic"
)

// maxLeaves bounds a tree: a sender may name any number of blanks for a byte
// each, and each blank costs us a hash.
const maxLeaves = 1 << 16

// A tree is the public ratchet tree of one epoch (RFC 9420, §7). It is
// immutable: a change copies the nodes on the way to it and shares the rest,
// with their tree hashes, with the tree before.
type tree struct {
	suite  *suite
	leaves uint32 // a power of two
	root   *treeNode

	index atomic.Pointer[keyIndex] // nil until keys or inherit makes it
}

// A treeNode is a node with everything under it. Where it lies is not in it:
// whoever walks counts. A node without children above level 0 stands for a
// subtree that is blank throughout.
type treeNode struct {
	leaf        *leafNode   // a leaf that is not blank
	parent      *parentNode // a parent that is not blank
	left, right *treeNode
	members     uint32 // leaves under it that are not blank
	basic       uint32 // those with a basic credential that support it
	hash        []byte // the tree hash; nil only while a treeEdit owns the node
}

// newTree returns a tree of one leaf.
func newTree(s *suite, l *leafNode) *tree {
	e := &treeEdit{suite: s, leaves: 1, root: &treeNode{}}
	e.setLeaf(0, l)
	return e.freeze()
}

// edit returns a mutable view of the tree; the tree itself stays as it is.
func (t *tree) edit() *treeEdit {
	return &treeEdit{suite: t.suite, leaves: t.leaves, root: t.root}
}

// hash returns the tree hash of the root.
func (t *tree) hash() []byte { return t.root.hash }

// at returns the node with an index, nil when it lies inside a blank subtree or
// beyond the tree.
func (t *tree) at(x nodeIndex) *treeNode {
	if uint32(x) >= nodeWidth(t.leaves) {
		return nil
	}
	n := t.root
	for cur := rootIndex(t.leaves); cur != x && n != nil; {
		if x < cur {
			n = n.left
			cur, _ = cur.left()
		} else {
			n = n.right
			cur, _ = cur.right()
		}
	}
	return n
}

// leaf returns the leaf with an index, nil when it is blank or not there.
func (t *tree) leaf(i uint32) *leafNode {
	if i >= t.leaves {
		return nil
	}
	if n := t.at(leafNodeIndex(i)); n != nil {
		return n.leaf
	}
	return nil
}

// key returns the encryption key of a node that is not blank.
func (n *treeNode) key() []byte {
	if n.leaf != nil {
		return n.leaf.encryptionKey
	}
	return n.parent.encryptionKey
}

// members returns the leaves that are not blank, from left to right.
func (t *tree) members() iter.Seq2[uint32, *leafNode] {
	return func(yield func(uint32, *leafNode) bool) {
		t.root.eachMember(rootIndex(t.leaves), yield)
	}
}

// eachMember yields the leaves under a node, which lies at x, until yield says no.
func (n *treeNode) eachMember(x nodeIndex, yield func(uint32, *leafNode) bool) bool {
	if n.members == 0 {
		return true
	}
	if n.leaf != nil {
		return yield(x.leaf(), n.leaf)
	}
	l, _ := x.left()
	r, _ := x.right()
	return n.left.eachMember(l, yield) && n.right.eachMember(r, yield)
}

// parents returns the parent nodes that are not blank, each before those below
// it.
func (t *tree) parents() iter.Seq2[nodeIndex, *treeNode] {
	return func(yield func(nodeIndex, *treeNode) bool) {
		t.root.eachParent(rootIndex(t.leaves), yield)
	}
}

// eachParent does so with the parents.
func (n *treeNode) eachParent(x nodeIndex, yield func(nodeIndex, *treeNode) bool) bool {
	if n.parent != nil && !yield(x, n) {
		return false
	}
	if n.left == nil {
		return true
	}
	l, _ := x.left()
	r, _ := x.right()
	return n.left.eachParent(l, yield) && n.right.eachParent(r, yield)
}

// resolution appends the resolution of a subtree to list (RFC 9420, §4.1.1). It
// stops early when the list gets longer than limit.
func (n *treeNode) resolution(x nodeIndex, limit int, list []nodeIndex) []nodeIndex {
	switch {
	case n == nil || len(list) > limit:
	case n.leaf != nil:
		list = append(list, x)
	case n.parent != nil:
		list = append(list, x)
		for _, leaf := range n.parent.unmergedLeaves {
			if len(list) > limit {
				break
			}
			list = append(list, leafNodeIndex(leaf))
		}
	case n.left != nil:
		l, _ := x.left()
		r, _ := x.right()
		list = n.left.resolution(l, limit, list)
		list = n.right.resolution(r, limit, list)
	}
	return list
}

// firstBlank returns the leftmost blank leaf; ok is false when there is none.
func (n *treeNode) firstBlank(x nodeIndex) (leaf uint32, ok bool) {
	for {
		if n.members == 0 {
			return x.firstLeaf(), true
		}
		if n.left == nil {
			return 0, false
		}
		l, _ := x.left()
		r, _ := x.right()
		if n.left.members < 1<<l.level() {
			n, x = n.left, l
		} else {
			n, x = n.right, r
		}
		if n.members == 1<<x.level() {
			return 0, false
		}
	}
}
