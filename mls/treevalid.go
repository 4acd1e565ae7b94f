package mls

import (
	"bytes"
	"fmt"
	"slices"
)

// checkParentHashes verifies that every parent is parent-hash valid (RFC 9420,
// §7.9.2), from the top down: exactly one descendant was written together with
// it.
func (t *tree) checkParentHashes() error {
	for x, p := range t.parents() {
		if t.parentHashChildren(x, p) != 1 {
			return fmt.Errorf("parent hash of node %d: %w", x, ErrInvalid)
		}
	}
	return nil
}

// parentHashChildren counts the nodes D whose parent hash is valid with respect
// to the parent node p at x.
func (t *tree) parentHashChildren(x nodeIndex, p *treeNode) int {
	l, _ := x.left()
	r, _ := x.right()
	return t.linked(p.parent, p.left, l, p.right, r) + t.linked(p.parent, p.right, r, p.left, l)
}

// linked counts the D under the child c, with s the sibling: there can be one,
// because the rest of c's resolution has to be p's unmerged leaves there.
func (t *tree) linked(p *parentNode, c *treeNode, cx nodeIndex, s *treeNode, sx nodeIndex) int {
	unmerged := within(p.unmergedLeaves, cx)
	candidates := c.resolution(cx, len(unmerged)+1, nil)
	if len(candidates) != len(unmerged)+1 {
		return 0
	}
	d, ok := oddOne(candidates, unmerged)
	if !ok {
		return 0
	}
	got := t.at(d).linkHash()
	if got == nil {
		return 0
	}
	original := t.suite.hashWithout(s, sx, within(p.unmergedLeaves, sx))
	if !bytes.Equal(got, t.suite.parentHash(p, original)) {
		return 0
	}
	return 1
}

// linkHash returns the parent hash that a node carries, nil if it carries none.
func (n *treeNode) linkHash() []byte {
	switch {
	case n == nil:
	case n.parent != nil:
		return n.parent.parentHash
	case n.leaf != nil && n.leaf.source == sourceCommit:
		return n.leaf.parentHash
	}
	return nil
}

// oddOne returns the only candidate without which the others are the leaves of
// the list, in its order. A resolution is increasing but for the parents in it,
// and all candidates but one have to be leaves.
func oddOne(candidates []nodeIndex, leaves []uint32) (d nodeIndex, ok bool) {
	i := 0
	for i < len(leaves) && candidates[i] == leafNodeIndex(leaves[i]) {
		i++
	}
	for j := i; j < len(leaves); j++ {
		if candidates[j+1] != leafNodeIndex(leaves[j]) {
			return 0, false
		}
	}
	return candidates[i], true
}

// parentHash is the hash of ParentHashInput (RFC 9420, §7.9).
func (s *suite) parentHash(p *parentNode, siblingHash []byte) []byte {
	h := s.hasher()
	defer h.release()
	h.w.vec(p.encryptionKey)
	h.w.vec(p.parentHash)
	h.w.vec(siblingHash)
	return h.digest(make([]byte, 0, s.size))
}

// checkUnmerged verifies the lists of unmerged leaves (RFC 9420, §12.4.3.1):
// each entry is a member below the node and is listed by the parents between.
func (t *tree) checkUnmerged() error {
	for x, p := range t.parents() {
		if len(within(p.parent.unmergedLeaves, x)) != len(p.parent.unmergedLeaves) {
			return fmt.Errorf("unmerged leaf outside of node %d: %w", x, ErrInvalid)
		}
		l, _ := x.left()
		r, _ := x.right()
		if !p.left.lists(l, within(p.parent.unmergedLeaves, l)) || !p.right.lists(r, within(p.parent.unmergedLeaves, r)) {
			return fmt.Errorf("unmerged leaves of node %d: %w", x, ErrInvalid)
		}
	}
	return nil
}

// lists reports whether the leaves, all under x, are members and unmerged in
// the topmost parents below. What is below those is checked from there.
func (n *treeNode) lists(x nodeIndex, leaves []uint32) bool {
	switch {
	case len(leaves) == 0:
		return true
	case x.level() == 0:
		return n.leaf != nil
	case n.left == nil:
		return false
	case n.parent != nil:
		return !slices.ContainsFunc(leaves, func(i uint32) bool {
			_, found := slices.BinarySearch(n.parent.unmergedLeaves, i)
			return !found
		})
	}
	l, _ := x.left()
	r, _ := x.right()
	return n.left.lists(l, within(leaves, l)) && n.right.lists(r, within(leaves, r))
}

// checkKeys verifies that no encryption key is at two nodes and no signature
// key at two leaves (RFC 9420, §7.3, §12.4.3.1).
func (t *tree) checkKeys() error {
	if t.keys().distinct() {
		return nil
	}
	encryption := make(map[string]bool)
	signature := make(map[string]bool)
	for i, l := range t.members() {
		if encryption[string(l.encryptionKey)] || signature[string(l.signatureKey)] {
			return fmt.Errorf("key of leaf %d is used twice: %w", i, ErrInvalid)
		}
		encryption[string(l.encryptionKey)] = true
		signature[string(l.signatureKey)] = true
	}
	for x, p := range t.parents() {
		if encryption[string(p.parent.encryptionKey)] {
			return fmt.Errorf("key of node %d is used twice: %w", x, ErrInvalid)
		}
		encryption[string(p.parent.encryptionKey)] = true
	}
	return nil
}

// checkCredentials verifies that every member supports the credential types of
// all (RFC 9420, §7.3).
func (t *tree) checkCredentials() error {
	if t.root.basic == t.root.members {
		return nil
	}
	var used []uint16
	for i, l := range t.members() {
		if !slices.Contains(used, l.credential.typ) {
			used = append(used, l.credential.typ)
		}
		if !slices.Contains(l.capabilities.Credentials, l.credential.typ) {
			return fmt.Errorf("leaf %d does not support its own credential type: %w", i, ErrInvalid)
		}
	}
	if len(used) == 1 {
		return nil
	}
	for i, l := range t.members() {
		for _, typ := range used {
			if !slices.Contains(l.capabilities.Credentials, typ) {
				return fmt.Errorf("leaf %d does not support credential type %d: %w", i, typ, ErrInvalid)
			}
		}
	}
	return nil
}

// check validates a whole tree of a group, as who joins must (RFC 9420,
// §12.4.3.1), and does what else it is given. It does not look at lifetimes. All
// is done at the same time on all cores: most of the work of joining is the
// signatures of the leaves.
func (t *tree) check(groupID []byte, extensions []Extension, also ...func() error) error {
	jobs := append(also, t.checkParentHashes, t.checkUnmerged, t.checkKeys, t.checkCredentials, t.checkParentKeys,
		func() error { return t.checkFits(extensions) })
	for i, l := range t.members() {
		jobs = append(jobs, func() error {
			if err := l.check(t.suite, groupID, i); err != nil {
				return fmt.Errorf("leaf %d: %w", i, err)
			}
			return nil
		})
	}
	return inParallel(len(jobs), 1, func(i int) error { return jobs[i]() })
}

// checkParentKeys verifies that the parents' keys can be encrypted to.
func (t *tree) checkParentKeys() error {
	for x, p := range t.parents() {
		if err := t.suite.checkEncryptionKey(p.parent.encryptionKey); err != nil {
			return fmt.Errorf("node %d: %w", x, err)
		}
	}
	return nil
}

// checkFits verifies that all members support the extensions of the group.
func (t *tree) checkFits(extensions []Extension) error {
	q, err := requirementsOf(extensions)
	if err != nil {
		return err
	}
	for i, l := range t.members() {
		if err := l.capabilities.meets(q); err != nil {
			return fmt.Errorf("leaf %d: %w", i, err)
		}
	}
	return nil
}
