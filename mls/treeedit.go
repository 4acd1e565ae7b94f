package mls

import "slices"

// A treeEdit changes a tree. Nodes without a hash belong to it and are changed
// in place; all others are shared and are copied first. freeze hashes what
// changed.
type treeEdit struct {
	suite  *suite
	leaves uint32
	root   *treeNode
}

// own returns a node that the edit may change. x is where the node lies.
func (e *treeEdit) own(n *treeNode, x nodeIndex) *treeNode {
	if n.hash != nil {
		c := *n
		c.hash = nil
		n = &c
	}
	if n.left == nil && x.level() > 0 {
		l, _ := x.left()
		r, _ := x.right()
		n.left = e.suite.blank(l)
		n.right = e.suite.blank(r)
	}
	return n
}

// change walks from the root to a leaf, owns every node on the way and calls
// parent for each parent and leaf for the leaf, lowest first.
func (e *treeEdit) change(i uint32, leaf, parent func(n *treeNode)) {
	var walk func(n *treeNode, x nodeIndex) *treeNode
	walk = func(n *treeNode, x nodeIndex) *treeNode {
		n = e.own(n, x)
		if x.level() == 0 {
			leaf(n)
			return n
		}
		if l, _ := x.left(); l.covers(i) {
			n.left = walk(n.left, l)
		} else {
			r, _ := x.right()
			n.right = walk(n.right, r)
		}
		n.count()
		parent(n)
		return n
	}
	e.root = walk(e.root, rootIndex(e.leaves))
}

// setLeaf puts a leaf (nil: a blank) in its place and leaves the parents alone.
func (e *treeEdit) setLeaf(i uint32, l *leafNode) {
	e.change(i, func(n *treeNode) { n.put(l) }, func(*treeNode) {})
}

func (n *treeNode) put(l *leafNode) {
	n.leaf, n.members, n.basic = l, 0, 0
	if l == nil {
		return
	}
	n.members = 1
	if l.credential.typ == credentialBasic && slices.Contains(l.capabilities.Credentials, credentialBasic) {
		n.basic = 1
	}
}

// count adds up what is under a parent.
func (n *treeNode) count() {
	n.members = n.left.members + n.right.members
	n.basic = n.left.basic + n.right.basic
}

// add puts a new member at the leftmost blank leaf and makes it unmerged in the
// parents above (RFC 9420, §12.1.1). It returns the leaf; ok is false when the
// tree is as large as it may be.
func (e *treeEdit) add(l *leafNode) (i uint32, ok bool) {
	i, ok = e.root.firstBlank(rootIndex(e.leaves))
	if !ok {
		if e.leaves >= maxLeaves {
			return 0, false
		}
		i = e.leaves
		e.extend()
	}
	e.change(i, func(n *treeNode) { n.put(l) }, func(n *treeNode) {
		if n.parent != nil {
			n.parent = n.parent.withUnmerged(i)
		}
	})
	return i, true
}

// update replaces a leaf and blanks the parents above (RFC 9420, §12.1.2).
func (e *treeEdit) update(i uint32, l *leafNode) {
	e.change(i, func(n *treeNode) { n.put(l) }, func(n *treeNode) { n.parent = nil })
}

// remove blanks a leaf and the parents above, and takes the right half away as
// long as nobody is in it (RFC 9420, §12.1.3).
func (e *treeEdit) remove(i uint32) {
	e.update(i, nil)
	for e.leaves > 1 && (e.root.right == nil || e.root.right.members == 0) {
		e.leaves /= 2
		if e.root.left == nil {
			e.root = e.suite.blank(rootIndex(e.leaves))
			continue
		}
		e.root = e.root.left
	}
}

// extend doubles the tree: the old one becomes the left half of a blank root.
func (e *treeEdit) extend() {
	old := e.root
	e.leaves *= 2
	right, _ := rootIndex(e.leaves).right()
	e.root = &treeNode{left: old, right: e.suite.blank(right)}
	e.root.count()
}

// freeze hashes the nodes that changed and returns the tree.
func (e *treeEdit) freeze() *tree {
	e.suite.freeze(e.root, rootIndex(e.leaves))
	return &tree{suite: e.suite, leaves: e.leaves, root: e.root}
}

// freeze gives every node without a tree hash its own, the lowest first.
func (s *suite) freeze(n *treeNode, x nodeIndex) {
	if n.hash != nil {
		return
	}
	if x.level() == 0 {
		n.hash = s.leafHash(x.leaf(), n.leaf)
		return
	}
	l, _ := x.left()
	r, _ := x.right()
	size := 0
	if n.left.hash == nil && n.right.hash == nil {
		size = int(n.members)
	}
	together(size, func() { s.freeze(n.left, l) }, func() { s.freeze(n.right, r) })
	n.hash = s.parentTreeHash(n.parent, n.left.hash, n.right.hash)
}
