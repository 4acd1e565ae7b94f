package mls

import "slices"

// A parentNode is ParentNode of RFC 9420, §7.1. It is immutable.
type parentNode struct {
	encryptionKey  []byte
	parentHash     []byte
	unmergedLeaves []uint32 // increasing
}

func (p *parentNode) encode(w *writer) {
	w.vec(p.encryptionKey)
	w.vec(p.parentHash)
	w.u32s(p.unmergedLeaves)
}

func decodeParentNode(r *reader) *parentNode {
	p := &parentNode{encryptionKey: r.key(), parentHash: r.vec(), unmergedLeaves: r.u32s()}
	for i := 1; i < len(p.unmergedLeaves); i++ {
		if p.unmergedLeaves[i-1] >= p.unmergedLeaves[i] {
			r.fail()
			break
		}
	}
	return p
}

// withUnmerged returns the parent with one more unmerged leaf.
func (p *parentNode) withUnmerged(leaf uint32) *parentNode {
	list := make([]uint32, 0, len(p.unmergedLeaves)+1)
	list = append(list, p.unmergedLeaves...)
	i, found := slices.BinarySearch(list, leaf)
	if !found {
		list = slices.Insert(list, i, leaf)
	}
	return &parentNode{p.encryptionKey, p.parentHash, list}
}
