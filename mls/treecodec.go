package mls

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
)

// encode writes ratchet_tree of RFC 9420, §12.4.3.3: all nodes from left to
// right, without the blanks after the last that is not.
func (t *tree) encode(w *writer) {
	size := 8 + int(nodeWidth(t.leaves))
	for _, l := range t.members() {
		size += 1 + len(l.raw)
	}
	for _, p := range t.parents() {
		size += 16 + len(p.parent.encryptionKey) + len(p.parent.parentHash) + 4*len(p.parent.unmergedLeaves)
	}
	w.room(size)
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

// A treeEntry is a node of an encoded tree that is not blank.
type treeEntry struct {
	at     nodeIndex
	leaf   *leafNode
	parent *parentNode
}

// decodeTree reads ratchet_tree and hashes it. Leaves must be at even places
// and parents at odd ones, and the last entry must not be blank. Nor may the right
// half be without members, whatever key its root has: a tree is as small as it can
// be (RFC 9420, §7.7, §12.1.3), and encoded anew after the next commit this one
// would come out smaller than its hash says.
func decodeTree(s *suite, r *reader) *tree {
	var entries []treeEntry
	sub := r.sub()
	width := nodeIndex(0)
	for ; sub.more() && uint32(width) < nodeWidth(maxLeaves); width++ {
		if sub.optional() {
			entries = append(entries, decodeTreeEntry(sub, width))
		}
	}
	if sub.finish() != nil || len(entries) == 0 || entries[len(entries)-1].at != width-1 {
		sub.fail()
		r.end(sub)
		return nil
	}
	leaves := uint32(1)
	for nodeWidth(leaves) < uint32(width) {
		leaves *= 2
	}
	t := &tree{suite: s, leaves: leaves}
	t.root = s.buildTree(entries, rootIndex(leaves))
	if leaves > 1 && t.root.right.members == 0 {
		r.fail()
	}
	return t
}

func decodeTreeEntry(r *reader, x nodeIndex) treeEntry {
	switch typ := r.u8(); {
	case typ == nodeLeaf && x.level() == 0:
		return treeEntry{at: x, leaf: decodeLeafNode(r)}
	case typ == nodeParent && x.level() > 0:
		return treeEntry{at: x, parent: decodeParentNode(r)}
	}
	r.fail()
	return treeEntry{}
}

// buildTree makes the subtree under x of the entries in it, which are in order.
func (s *suite) buildTree(entries []treeEntry, x nodeIndex) *treeNode {
	if len(entries) == 0 {
		return s.blank(x)
	}
	n := &treeNode{}
	l, ok := x.left()
	if !ok {
		n.put(entries[0].leaf)
		n.hash = s.leafHash(x.leaf(), n.leaf)
		return n
	}
	r, _ := x.right()
	i, found := slices.BinarySearchFunc(entries, x, func(e treeEntry, x nodeIndex) int { return cmp.Compare(e.at, x) })
	right := entries[i:]
	if found {
		n.parent = right[0].parent
		right = right[1:]
	}
	together(len(entries), func() { n.left = s.buildTree(entries[:i], l) }, func() { n.right = s.buildTree(right, r) })
	n.count()
	n.hash = s.parentTreeHash(n.parent, n.left.hash, n.right.hash)
	return n
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
