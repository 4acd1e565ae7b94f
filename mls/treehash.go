package mls

import (
	"hash"
	"slices"
)

// Node types of RFC 9420, §7.8.
const (
	nodeLeaf   uint8 = 1
	nodeParent uint8 = 2
)

// leafHash is the tree hash of a leaf (RFC 9420, §7.8).
func (s *suite) leafHash(index uint32, l *leafNode) []byte {
	h := s.hasher()
	defer h.release()
	h.w.u8(nodeLeaf)
	h.w.u32(index)
	h.w.optional(l != nil)
	out := make([]byte, 0, s.size)
	if l == nil {
		return h.digest(out)
	}
	return h.digest(out, l.raw)
}

// parentTreeHash is the tree hash of a parent (RFC 9420, §7.8).
func (s *suite) parentTreeHash(p *parentNode, left, right []byte) []byte {
	h := s.hasher()
	defer h.release()
	h.w.u8(nodeParent)
	h.w.optional(p != nil)
	if p != nil {
		p.encode(&h.w)
	}
	h.w.vec(left)
	h.w.vec(right)
	return h.digest(make([]byte, 0, s.size))
}

// blank returns a subtree that is blank throughout.
func (s *suite) blank(x nodeIndex) *treeNode {
	return &treeNode{hash: s.blankHash(x)}
}

// blankHash is the tree hash of a blank subtree. A sender may name many blanks
// with few bytes, so this works with one hash and one buffer.
func (s *suite) blankHash(x nodeIndex) []byte {
	size := s.size
	buf := make([]byte, 2*size*(x.level()+1)+16)
	return slices.Clone(s.blankSum(s.hash(), x, buf))
}

// blankSum puts the hash at the beginning of buf; two of its size per level
// must be free there.
func (s *suite) blankSum(h hash.Hash, x nodeIndex, buf []byte) []byte {
	head := buf[len(buf)-16:]
	l, ok := x.left()
	if !ok {
		h.Reset()
		w := writer{b: head[:0]}
		w.u8(nodeLeaf)
		w.u32(x.leaf())
		w.optional(false)
		h.Write(w.b)
		return h.Sum(buf[:0])
	}
	r, _ := x.right()
	left := s.blankSum(h, l, buf[2*s.size:])
	copy(buf, left)
	right := s.blankSum(h, r, buf[2*s.size:])
	copy(buf[s.size:], right)
	h.Reset()
	w := writer{b: head[:0]}
	w.u8(nodeParent)
	w.optional(false)
	w.length(s.size)
	h.Write(w.b)
	h.Write(buf[:s.size])
	h.Write(w.b[2:])
	h.Write(buf[s.size : 2*s.size])
	return h.Sum(buf[:0])
}

// hashWithout returns the tree hash that a subtree would have were the given
// leaves (increasing, all inside the subtree) blank and in no list of unmerged
// leaves (RFC 9420, §7.9).
func (s *suite) hashWithout(n *treeNode, x nodeIndex, without []uint32) []byte {
	if len(without) == 0 || n.left == nil && x.level() > 0 {
		return n.hash
	}
	if x.level() == 0 {
		return s.leafHash(x.leaf(), nil)
	}
	l, _ := x.left()
	r, _ := x.right()
	middle, _ := slices.BinarySearch(without, r.firstLeaf())
	p := n.parent
	if p != nil {
		p = &parentNode{p.encryptionKey, p.parentHash, subtract(p.unmergedLeaves, without)}
	}
	return s.parentTreeHash(p, s.hashWithout(n.left, l, without[:middle]), s.hashWithout(n.right, r, without[middle:]))
}

// subtract returns the elements of a that are not in b; both are increasing.
func subtract(a, b []uint32) []uint32 {
	var out []uint32
	for _, v := range a {
		for len(b) > 0 && b[0] < v {
			b = b[1:]
		}
		if len(b) == 0 || b[0] != v {
			out = append(out, v)
		}
	}
	return out
}

// within returns the part of an increasing list of leaves that lies under x.
func within(list []uint32, x nodeIndex) []uint32 {
	lo, _ := slices.BinarySearch(list, x.firstLeaf())
	hi, _ := slices.BinarySearch(list, x.firstLeaf()+1<<x.level())
	return list[lo:hi]
}
