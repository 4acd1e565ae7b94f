package mls

import "math/bits"

// A nodeIndex numbers the nodes of a ratchet tree in order: leaf i is node 2i,
// parents have odd numbers (RFC 9420, appendix C). A tree always has a power of
// two of leaves.
type nodeIndex uint32

// leafNodeIndex returns the node that is leaf i.
func leafNodeIndex(leaf uint32) nodeIndex { return nodeIndex(leaf) << 1 }

// leaf returns the leaf index of an even node.
func (x nodeIndex) leaf() uint32 { return uint32(x >> 1) }

// level is the height above the leaves.
func (x nodeIndex) level() int { return bits.TrailingZeros32(^uint32(x)) }

// firstLeaf returns the leftmost leaf under the node.
func (x nodeIndex) firstLeaf() uint32 {
	return uint32(x>>1) &^ (1<<x.level() - 1)
}

// covers reports whether the leaf is under the node.
func (x nodeIndex) covers(leaf uint32) bool {
	return leaf>>x.level() == x.firstLeaf()>>x.level()
}

// nodeWidth returns the number of nodes of a tree with that many leaves.
func nodeWidth(leaves uint32) uint32 {
	if leaves == 0 {
		return 0
	}
	return 2*(leaves-1) + 1
}

// rootIndex returns the root of a tree with that many leaves, a power of two.
func rootIndex(leaves uint32) nodeIndex { return nodeIndex(leaves - 1) }

// left returns the left child; ok is false for a leaf.
func (x nodeIndex) left() (child nodeIndex, ok bool) {
	k := x.level()
	if k == 0 {
		return 0, false
	}
	return x ^ (1 << (k - 1)), true
}

// right returns the right child; ok is false for a leaf.
func (x nodeIndex) right() (child nodeIndex, ok bool) {
	k := x.level()
	if k == 0 {
		return 0, false
	}
	return x ^ (3 << (k - 1)), true
}

// parent returns the parent in a tree with that many leaves; ok is false for
// the root.
func (x nodeIndex) parent(leaves uint32) (parent nodeIndex, ok bool) {
	if x == rootIndex(leaves) {
		return 0, false
	}
	k := x.level()
	b := (x >> (k + 1)) & 1
	return (x | (1 << k)) ^ (b << (k + 1)), true
}

// commonAncestor returns the lowest node that covers both leaves.
func commonAncestor(a, b uint32) nodeIndex {
	k := bits.Len32(a ^ b)
	return nodeIndex(a>>k<<(k+1) | (1<<k - 1))
}
