package mls

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
)

// freshKey returns a public key.
func freshKey(t *testing.T) []byte {
	t.Helper()
	_, public, err := suites[0].hpke.generate()
	must(t, err)
	return public
}

// writePath returns the tree after a member has set the parents on its filtered
// direct path, as a commit with a path does (RFC 9420, §7.4, §7.9).
func writePath(t *testing.T, before *tree, m *member, leaf uint32, groupID []byte) *tree {
	t.Helper()
	e := before.edit()
	e.update(leaf, before.leaf(leaf))
	blank := e.freeze()
	var below []byte // the parent hash of the node to be set next, from the top
	var above *parentNode
	var siblingOfAbove []byte
	set := map[nodeIndex]*parentNode{}
	for x := rootIndex(blank.leaves); x.level() > 0; {
		l, _ := x.left()
		r, _ := x.right()
		next, sibling := l, r
		if !l.covers(leaf) {
			next, sibling = r, l
		}
		n := blank.at(sibling)
		if len(n.resolution(sibling, 1<<20, nil)) > 0 {
			below = nil
			if above != nil {
				below = blank.suite.parentHash(above, siblingOfAbove)
			}
			above = &parentNode{encryptionKey: freshKey(t), parentHash: below}
			siblingOfAbove = n.hash
			set[x] = above
		}
		x = next
	}
	own := *blank.leaf(leaf)
	own.source, own.encryptionKey = sourceCommit, freshKey(t)
	own.parentHash = blank.suite.parentHash(above, siblingOfAbove)
	must(t, own.sign(m.signer, groupID, leaf))
	e = blank.edit()
	x := leafNodeIndex(leaf)
	e.change(leaf, func(n *treeNode) { n.put(&own) }, func(n *treeNode) {
		x, _ = x.parent(blank.leaves)
		if p := set[x]; p != nil {
			n.parent = p
		}
	})
	return e.freeze()
}

// TestOriginalTreeHash: a leaf that was added after a parent was set is taken
// out of the sibling's tree hash, also where a parent in between lists it (RFC
// 9420, §7.9, the example with F).
func TestOriginalTreeHash(t *testing.T) {
	groupID := []byte("group")
	var all []*member
	var tree *tree
	for i := range 8 {
		m := newMemberOf(t, X25519_AES128GCM_SHA256_Ed25519, fmt.Sprint(i))
		all = append(all, m)
		if tree == nil {
			tree = newTree(suites[0], m.kp.leaf)
			continue
		}
		e := tree.edit()
		e.add(m.kp.leaf)
		tree = e.freeze()
	}
	const f = 5
	e := tree.edit()
	e.remove(f)
	tree = e.freeze()
	tree = writePath(t, tree, all[6], 6, groupID)
	tree = writePath(t, tree, all[0], 0, groupID)
	must(t, tree.check(groupID, nil))
	e = tree.edit()
	if i, _ := e.add(all[f].kp.leaf); i != f {
		t.Fatalf("added at %d", i)
	}
	tree = e.freeze()
	between := tree.root.right.parent
	if between == nil || len(between.unmergedLeaves) != 1 || between.unmergedLeaves[0] != f {
		t.Fatalf("got %+v between the root and the new leaf", between)
	}
	must(t, tree.check(groupID, nil))
	e = tree.edit()
	e.setLeaf(7, nil)
	if err := e.freeze().checkParentHashes(); !errors.Is(err, ErrInvalid) {
		t.Errorf("a member taken away: got %v, want %v", err, ErrInvalid)
	}
}

// TestWrongPathSecret: a path secret in a Welcome has to give the keys that are
// in the tree.
func TestWrongPathSecret(t *testing.T) {
	trees, _ := vectorTrees(t, X25519_AES128GCM_SHA256_Ed25519)
	e := &Epoch{suite: trees[0].suite, tree: trees[0], private: map[nodeIndex]*privateKey{}}
	if err := e.learnPath(rootIndex(e.tree.leaves), random(32)); !errors.Is(err, ErrInvalid) || len(e.private) != 0 {
		t.Errorf("got %v and %d keys, want %v", err, len(e.private), ErrInvalid)
	}
}

// TestLoadedTree: a tree record that is not the epoch's is noticed.
func TestLoadedTree(t *testing.T) {
	a, b := twoMembers(t, X25519_AES128GCM_SHA256_Ed25519)
	other := a.epoch.tree.edit()
	other.setLeaf(0, b.kp.leaf)
	r := b.snapshot()
	r[recordTree] = encoded(other.freeze())
	if _, err := LoadEpoch(r, b.signer); !errors.Is(err, ErrRecords) {
		t.Errorf("got %v, want %v", err, ErrRecords)
	}
	if e, err := LoadEpoch(b.records, b.signer); err != nil || !bytes.Equal(e.Authenticator(), a.epoch.Authenticator()) {
		t.Errorf("got %v", err)
	}
}

// TestDecryptIsForApplications: a commit does not open as an application
// message and keeps its key.
func TestDecryptIsForApplications(t *testing.T) {
	a, b := twoMembers(t, X25519_AES128GCM_SHA256_Ed25519)
	commit := a.add(false, newMemberOf(t, a.suite, "cleo"))
	before := b.snapshot()
	if _, err := b.epoch.Decrypt(b.records, commit.Message()); !errors.Is(err, ErrWrongKind) || !sameRecords(before, b.records) {
		t.Errorf("got %v, want %v", err, ErrWrongKind)
	}
	b.follow(commit.Message())
}
