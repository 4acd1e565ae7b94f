package mls

import (
	"bytes"
	"fmt"
	"math"
)

// A transition is what a commit makes of an epoch: the tree and the extensions
// after it, and what else its proposals say.
type transition struct {
	// proposed is the tree after the proposals, tree that with the path in it.
	proposed   *tree
	tree       *tree
	extensions []Extension
	committer  uint32
	added      []addition
	removed    []uint32
	fresh      map[uint32]*leafNode // leaves that are new, without the path's
	updated    []uint32
	ownKey     *privateKey // of our own Update
	psks       []*pskID
	reInit     *reInit
	kemOutput  []byte // of an external commit
	needsPath  bool
	steps      []pathStep // of the path
	reextended bool
}

// An addition is a new member with its leaf.
type addition struct {
	leaf       uint32
	keyPackage *KeyPackage
}

// transit applies a proposal list in the order of RFC 9420, §12.3. Whether it is
// valid depends on the epoch and the list alone.
func (e *Epoch) transit(from sender, list []listed) (*transition, error) {
	if e.context.epoch == math.MaxUint64 {
		return nil, fmt.Errorf("a commit in the last epoch there can be: %w", ErrInvalid)
	}
	if err := checkList(from, list); err != nil {
		return nil, err
	}
	// The signatures of many new members are most of the work of a commit.
	if err := inParallel(len(list), 2, func(i int) error { return e.checkProposal(list[i]) }); err != nil {
		return nil, err
	}
	return e.apply(from, list)
}

// apply makes the transition of a list whose proposals have been checked.
func (e *Epoch) apply(from sender, list []listed) (*transition, error) {
	t := &transition{
		extensions: e.context.extensions, committer: from.index, fresh: make(map[uint32]*leafNode),
		needsPath: len(list) == 0,
	}
	for _, p := range list {
		t.note(p.proposal)
	}
	edit := e.tree.edit()
	for _, typ := range []uint16{ProposalUpdate, ProposalRemove, ProposalAdd} {
		for _, p := range list {
			if p.typ != typ {
				continue
			}
			if err := t.changeTree(e, edit, p); err != nil {
				return nil, err
			}
		}
	}
	if from.typ == senderNewMemberCommit {
		i, ok := edit.add(&leafNode{})
		if !ok {
			return nil, fmt.Errorf("external commit: over %d members: %w", maxLeaves, ErrInvalid)
		}
		t.committer = i
	}
	t.proposed = edit.freeze()
	t.tree = t.proposed
	return t, nil
}

// note takes over what does not change the tree.
func (t *transition) note(p *proposal) {
	switch p.typ {
	case ProposalPSK:
		t.psks = append(t.psks, p.psk)
	case ProposalReInit:
		t.reInit = p.reInit
	case ProposalExternalInit:
		t.kemOutput = p.externalInit
		t.needsPath = true
	case ProposalGroupContextExtensions:
		t.extensions, t.reextended = p.extensions, true
		t.needsPath = true
	case ProposalUpdate, ProposalRemove:
		t.needsPath = true
	}
}

// changeTree does what a proposal does to the tree.
func (t *transition) changeTree(e *Epoch, edit *treeEdit, p listed) error {
	switch p.typ {
	case ProposalUpdate:
		edit.update(p.from.index, p.update)
		t.fresh[p.from.index] = p.update
		t.updated = append(t.updated, p.from.index)
		if p.from.index == e.own {
			t.ownKey = &privateKey{raw: p.private}
		}
	case ProposalRemove:
		edit.remove(p.remove)
		t.removed = append(t.removed, p.remove)
	case ProposalAdd:
		i, ok := edit.add(p.add.leaf)
		if !ok {
			return fmt.Errorf("add: over %d members: %w", maxLeaves, ErrInvalid)
		}
		t.fresh[i] = p.add.leaf
		t.added = append(t.added, addition{i, p.add})
	}
	return nil
}

// removes reports whether a leaf is removed.
func (t *transition) removes(leaf uint32) bool {
	for _, i := range t.removed {
		if i == leaf {
			return true
		}
	}
	return false
}

// addedLeaves returns the leaves that a path is not encrypted to.
func (t *transition) addedLeaves() map[uint32]bool {
	m := make(map[uint32]bool, len(t.added))
	for _, a := range t.added {
		m[a.leaf] = true
	}
	return m
}

// mergePath puts the path of another's commit, nil when it has none, into the
// tree.
func (t *transition) mergePath(e *Epoch, p *updatePath) error {
	if p == nil {
		if t.needsPath {
			return fmt.Errorf("commit without the path that it needs: %w", ErrInvalid)
		}
		return nil
	}
	if err := p.leaf.check(e.suite, e.context.groupID, t.committer); err != nil {
		return fmt.Errorf("path: %w", err)
	}
	var err error
	t.tree, t.steps, err = p.merge(t.proposed, t.committer)
	return err
}

// check verifies what depends on the whole result: every new leaf fits the
// group's extensions, and all leaves do when these are new; new keys are new;
// members support each other's credentials (RFC 9420, §7.3, §12.1.7, §12.4.2).
// path is nil when there is none.
func (t *transition) check(e *Epoch, path *updatePath) error {
	if err := t.checkFits(path); err != nil {
		return err
	}
	for _, i := range t.updated {
		if bytes.Equal(t.fresh[i].encryptionKey, e.tree.leaf(i).encryptionKey) {
			return fmt.Errorf("update of leaf %d with its old key: %w", i, ErrInvalid)
		}
	}
	for _, i := range t.removed {
		// Who comes from outside in its own place updates that leaf (§12.2).
		if t.kemOutput != nil && bytes.Equal(path.leaf.encryptionKey, e.tree.leaf(i).encryptionKey) {
			return fmt.Errorf("external commit with the old key of leaf %d: %w", i, ErrInvalid)
		}
	}
	t.proposed.inherit(e.tree)
	if err := t.checkNewKeys(path); err != nil {
		return err
	}
	t.tree.inherit(t.proposed)
	return t.tree.checkCredentials()
}

// checkFits checks new leaves against the extensions, and all leaves against new
// extensions.
func (t *transition) checkFits(path *updatePath) error {
	if t.reextended {
		return t.tree.checkFits(t.extensions)
	}
	q, err := requirementsOf(t.extensions)
	if err != nil {
		return err
	}
	for i, l := range t.fresh {
		if err := l.capabilities.meets(q); err != nil {
			return fmt.Errorf("leaf %d: %w", i, err)
		}
	}
	if path != nil {
		return path.leaf.capabilities.meets(q)
	}
	return nil
}

// newKeys are the keys that a commit brings, each with the node that it is for.
type newKeys struct {
	encryption, signature map[string]nodeIndex
	// some says that one of them may be somewhere else in the tree.
	some bool
}

// ofPath stands for the nodes of a path, whose keys must be in no node of the
// tree, those that it replaces included.
const ofPath = ^nodeIndex(0)

// claim notes a key that is to be at x and nowhere else. there says that it is
// there already.
func (n *newKeys) claim(index *keyIndex, use keyUse, key []byte, x nodeIndex, there bool) error {
	m := n.encryption
	if use == forSignatures {
		m = n.signature
	}
	if _, taken := m[string(key)]; taken {
		return fmt.Errorf("one key at two nodes: %w", ErrInvalid)
	}
	m[string(key)] = x
	least := 0
	if there {
		least = 1
	}
	n.some = n.some || index.count(use, key) > least
	return nil
}

// claimLeaf notes both keys of a leaf. at is the leaf that lies there.
func (n *newKeys) claimLeaf(index *keyIndex, l, at *leafNode, encryption, signature nodeIndex) error {
	there := at != nil && encryption != ofPath && bytes.Equal(at.encryptionKey, l.encryptionKey)
	if err := n.claim(index, forEncryption, l.encryptionKey, encryption, there); err != nil {
		return err
	}
	there = at != nil && bytes.Equal(at.signatureKey, l.signatureKey)
	return n.claim(index, forSignatures, l.signatureKey, signature, there)
}

// checkNewKeys verifies that no key of a new leaf or of the path is anywhere
// else in the group.
func (t *transition) checkNewKeys(path *updatePath) error {
	index := t.proposed.keys()
	n := &newKeys{encryption: make(map[string]nodeIndex), signature: make(map[string]nodeIndex)}
	for i, l := range t.fresh {
		x := leafNodeIndex(i)
		if err := n.claimLeaf(index, l, t.proposed.leaf(i), x, x); err != nil {
			return err
		}
	}
	if path != nil {
		if err := n.claimLeaf(index, path.leaf, t.proposed.leaf(t.committer), ofPath, leafNodeIndex(t.committer)); err != nil {
			return err
		}
		for _, node := range path.nodes {
			if err := n.claim(index, forEncryption, node.encryptionKey, ofPath, false); err != nil {
				return err
			}
		}
	}
	if !n.some {
		return nil
	}
	return t.proposed.checkNotTaken(n.encryption, n.signature)
}

// checkNotTaken verifies that new keys are nowhere but where they belong.
func (t *tree) checkNotTaken(encryption, signature map[string]nodeIndex) error {
	for i, l := range t.members() {
		if x, ok := encryption[string(l.encryptionKey)]; ok && x != leafNodeIndex(i) {
			return fmt.Errorf("encryption key of leaf %d again: %w", i, ErrInvalid)
		}
		if x, ok := signature[string(l.signatureKey)]; ok && x != leafNodeIndex(i) {
			return fmt.Errorf("signature key of leaf %d again: %w", i, ErrInvalid)
		}
	}
	for x, p := range t.parents() {
		if _, ok := encryption[string(p.parent.encryptionKey)]; ok {
			return fmt.Errorf("key of node %d again: %w", x, ErrInvalid)
		}
	}
	return nil
}
