package mls

import (
	"errors"
	"maps"
	"math/rand/v2"
	"testing"
)

// TestKeyIndex: an index that was handed from tree to tree counts what one of
// the whole tree counts, while the tree grows, shrinks and gets paths.
func TestKeyIndex(t *testing.T) {
	s := suites[0]
	leaf := func() *leafNode {
		return &leafNode{encryptionKey: random(32), signatureKey: random(32), raw: random(8)}
	}
	r := rand.New(rand.NewPCG(1, 2))
	tree := newTree(s, leaf())
	folded := 0
	for step := range 1500 {
		next := tree
		var members []uint32
		for i := range tree.members() {
			members = append(members, i)
		}
		edit, at := tree.edit(), members[r.IntN(len(members))]
		switch growing := step%500 < 300; {
		case r.IntN(3) == 0 && len(members) > 1:
			steps := tree.filteredPath(at)
			nodes := make([]*parentNode, len(steps))
			for i := range nodes {
				nodes[i] = &parentNode{encryptionKey: random(32)}
			}
			next = tree.withPath(at, leaf(), steps, nodes)
		case growing || len(members) < 3:
			edit.add(leaf())
			next = edit.freeze()
		default:
			edit.remove(at)
			next = edit.freeze()
		}
		next.inherit(tree)
		tree = next
		k := tree.keys()
		if k.delta == nil {
			folded++
		}
		got, want := maps.Clone(k.base), map[uint64]int32{}
		for h, n := range k.delta {
			add(got, h, n)
		}
		countKeys(want, nil, tree.root)
		if !maps.Equal(got, want) {
			t.Fatalf("step %d, %d members: got %d keys, want %d", step, len(members), len(got), len(want))
		}
		if !k.distinct() || len(want) == 0 {
			t.Fatalf("step %d: keys are not distinct", step)
		}
	}
	if folded == 0 {
		t.Error("the changes were never put together")
	}
}

// TestLookalikeKeys: when the index cannot tell two keys apart, the keys decide.
func TestLookalikeKeys(t *testing.T) {
	a, b, cleo := newMemberOf(t, x25519, "anna"), newMemberOf(t, x25519, "bert"), newMemberOf(t, x25519, "cleo")
	a.create(GroupConfig{})
	a.add(false, b)
	e := a.epoch
	index := e.tree.keys()
	index.base[keyHash(forEncryption, cleo.kp.leaf.encryptionKey)]++
	s, err := e.Commit(a.snapshot(), CommitConfig{Add: []*KeyPackage{cleo.kp}, Now: now})
	must(t, err)
	if len(s.Changes().Added) != 1 {
		t.Error("nobody was added")
	}
	l := *cleo.kp.leaf
	l.encryptionKey = b.kp.leaf.encryptionKey
	next := &transition{proposed: e.tree, fresh: map[uint32]*leafNode{5: &l}}
	if err := next.checkNewKeys(nil); !errors.Is(err, ErrInvalid) {
		t.Errorf("got %v, want %v", err, ErrInvalid)
	}
}
