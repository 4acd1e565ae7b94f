package mls

import (
	"hash/maphash"
	"maps"
)

// A keyIndex counts the keys of a tree, so that a commit need not compare its
// new keys with those of every node. It knows them by a hash: a key that it does
// not count is not in the tree, one that it counts may only look like another.
// It is immutable; that of the next epoch shares all but a few entries with it.
type keyIndex struct {
	base  map[uint64]int32
	delta map[uint64]int32 // to be added to base
}

// keySeed keeps others from choosing keys that look like another's.
var keySeed = maphash.MakeSeed()

// A keyUse is what a key is for. One key for both counts as two.
type keyUse bool

const (
	forEncryption keyUse = false
	forSignatures keyUse = true
)

func keyHash(use keyUse, key []byte) uint64 {
	h := maphash.Bytes(keySeed, key)
	if use == forSignatures {
		return ^h
	}
	return h
}

// count is how often a key is in the tree, or more.
func (k *keyIndex) count(use keyUse, key []byte) int {
	h := keyHash(use, key)
	return int(k.base[h] + k.delta[h])
}

// distinct reports whether no key is there twice. It may be wrong when it says
// no.
func (k *keyIndex) distinct() bool {
	for h, n := range k.base {
		if n+k.delta[h] > 1 {
			return false
		}
	}
	for h, n := range k.delta {
		if n+k.base[h] > 1 {
			return false
		}
	}
	return true
}

// keys returns the index of the tree. It is made from the whole tree when it has
// not been inherited.
func (t *tree) keys() *keyIndex {
	if k := t.index.Load(); k != nil {
		return k
	}
	k := &keyIndex{base: make(map[uint64]int32, 3*int(t.root.members))}
	countKeys(k.base, nil, t.root)
	t.index.Store(k)
	return k
}

// inherit makes the index from that of a tree which shares most nodes with this
// one.
func (t *tree) inherit(from *tree) {
	old := from.keys()
	a, b := from.root, t.root
	if a == b {
		t.index.Store(old)
		return
	}
	k := &keyIndex{base: old.base, delta: maps.Clone(old.delta)}
	if k.delta == nil {
		k.delta = make(map[uint64]int32)
	}
	for n := from.leaves; n > t.leaves; n /= 2 {
		a.countOwn(k.delta, -1)
		countKeys(k.delta, a.child(1), nil)
		a = a.child(0)
	}
	for n := t.leaves; n > from.leaves; n /= 2 {
		b.countOwn(k.delta, 1)
		countKeys(k.delta, nil, b.child(1))
		b = b.child(0)
	}
	countKeys(k.delta, a, b)
	k.fold()
	t.index.Store(k)
}

// fold puts the changes into a new base when there are so many that copying
// them for each commit costs more.
func (k *keyIndex) fold() {
	if len(k.delta)*len(k.delta) < 32*len(k.base)+1<<12 {
		return
	}
	base := maps.Clone(k.base)
	for h, n := range k.delta {
		add(base, h, n)
	}
	k.base, k.delta = base, nil
}

// countKeys takes the keys of one subtree away and adds those of another,
// without what the two share.
func countKeys(m map[uint64]int32, before, after *treeNode) {
	if before == after {
		return
	}
	before.countOwn(m, -1)
	after.countOwn(m, 1)
	countKeys(m, before.child(0), after.child(0))
	countKeys(m, before.child(1), after.child(1))
}

// countOwn adds the keys of the node itself that many times.
func (n *treeNode) countOwn(m map[uint64]int32, times int32) {
	switch {
	case n == nil:
	case n.leaf != nil:
		add(m, keyHash(forEncryption, n.leaf.encryptionKey), times)
		add(m, keyHash(forSignatures, n.leaf.signatureKey), times)
	case n.parent != nil:
		add(m, keyHash(forEncryption, n.parent.encryptionKey), times)
	}
}

// child returns the left (0) or right (1) child, nil when there is none.
func (n *treeNode) child(i int) *treeNode {
	switch {
	case n == nil:
		return nil
	case i == 0:
		return n.left
	}
	return n.right
}

// add adds to an entry and removes it at zero.
func add(m map[uint64]int32, h uint64, n int32) {
	if n += m[h]; n == 0 {
		delete(m, h)
	} else {
		m[h] = n
	}
}
