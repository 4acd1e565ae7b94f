package mls

import (
	"bytes"
	"fmt"
)

// encodeTree writes ratchet_tree of RFC 9420, §12.4.3.3: all nodes from left to
// right, without the blanks after the last that is not.
func (t *tree) encode(w *writer) {
	w.nested(func(w *writer) {
		blanks := 0
		t.root.encodeInOrder(w, rootIndex(t.leaves), &blanks)
	})
}

// encodeInOrder counts blanks and writes them only before a node that is not.
func (n *treeNode) encodeInOrder(w *writer, x nodeIndex, blanks *int) {
	if n.left == nil && n.leaf == nil {
		*blanks += int(nodeWidth(1 << x.level()))
		return
	}
	if n.left != nil {
		l, _ := x.left()
		n.left.encodeInOrder(w, l, blanks)
	}
	if n.leaf == nil && n.parent == nil {
		*blanks++
	} else {
		w.b = append(w.b, make([]byte, *blanks)...)
		*blanks = 0
		w.optional(true)
		if n.leaf != nil {
			w.u8(nodeLeaf)
			n.leaf.encode(w)
		} else {
			w.u8(nodeParent)
			n.parent.encode(w)
		}
	}
	if n.right != nil {
		r, _ := x.right()
		n.right.encodeInOrder(w, r, blanks)
	}
}

// A treeEntry is one optional<Node> of an encoded tree.
type treeEntry struct {
	leaf   *leafNode
	parent *parentNode
}

// decodeTree reads ratchet_tree and hashes it. Leaves must be at even places
// and parents at odd ones, and the last entry must not be blank.
func decodeTree(s *suite, r *reader) *tree {
	var entries []treeEntry
	sub := r.sub()
	for sub.more() && len(entries) < int(nodeWidth(maxLeaves)) {
		entries = append(entries, decodeTreeEntry(sub, len(entries)%2 == 0))
	}
	if sub.finish() != nil || len(entries) == 0 || entries[len(entries)-1] == (treeEntry{}) {
		sub.fail()
		r.end(sub)
		return nil
	}
	leaves := uint32(1)
	for int(nodeWidth(leaves)) < len(entries) {
		leaves *= 2
	}
	t := &tree{suite: s, leaves: leaves}
	t.root = s.buildTree(entries, rootIndex(leaves))
	return t
}

func decodeTreeEntry(r *reader, even bool) treeEntry {
	if !r.optional() {
		return treeEntry{}
	}
	switch typ := r.u8(); {
	case typ == nodeLeaf && even:
		return treeEntry{leaf: decodeLeafNode(r)}
	case typ == nodeParent && !even:
		return treeEntry{parent: decodeParentNode(r)}
	}
	r.fail()
	return treeEntry{}
}

// buildTree makes the subtree under x of the entries of a whole tree.
func (s *suite) buildTree(entries []treeEntry, x nodeIndex) *treeNode {
	first := 2 * int(x.firstLeaf())
	if allBlank(entries, first, first+int(nodeWidth(1<<x.level()))) {
		return s.blank(x)
	}
	l, ok := x.left()
	if !ok {
		n := &treeNode{}
		n.put(entries[x].leaf)
		n.hash = s.leafHash(x.leaf(), n.leaf)
		return n
	}
	r, _ := x.right()
	n := &treeNode{left: s.buildTree(entries, l), right: s.buildTree(entries, r)}
	if int(x) < len(entries) {
		n.parent = entries[x].parent
	}
	n.members = n.left.members + n.right.members
	n.hash = s.parentTreeHash(n.parent, n.left.hash, n.right.hash)
	return n
}

// allBlank reports whether the entries from lo to below hi are blank; beyond
// the last they are.
func allBlank(entries []treeEntry, lo, hi int) bool {
	for i := lo; i < min(hi, len(entries)); i++ {
		if entries[i] != (treeEntry{}) {
			return false
		}
	}
	return true
}

// parseTree decodes a ratchet tree that came on its own.
func parseTree(s *suite, b []byte) (*tree, error) {
	r := &reader{b: bytes.Clone(b)}
	t := decodeTree(s, r)
	if err := r.finish(); err != nil {
		return nil, fmt.Errorf("ratchet tree: %w", err)
	}
	return t, nil
}
