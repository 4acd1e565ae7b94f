package mls

import (
	"fmt"
	"slices"
)

// A transition is what a list of proposals makes of an epoch: the tree and the
// extensions after it.
type transition struct {
	tree       *tree
	extensions []Extension
	added      []addition
}

// An addition is a new member with its leaf.
type addition struct {
	leaf       uint32
	keyPackage *KeyPackage
}

// transit applies a proposal list that a member commits (RFC 9420, §12.2,
// §12.3). Whether it is valid depends on the epoch and the list alone.
func (e *Epoch) transit(list []*proposal) (*transition, error) {
	for _, p := range list {
		if p.typ != proposalAdd {
			return nil, fmt.Errorf("proposal of type %d: %w", p.typ, ErrUnsupported)
		}
	}
	t := &transition{extensions: e.context.extensions}
	edit := e.tree.edit()
	for _, p := range list {
		kp := p.add
		if kp.suite != e.suite.id {
			return nil, fmt.Errorf("add: cipher suite of the key package: %w", ErrInvalid)
		}
		if err := kp.valid(); err != nil {
			return nil, fmt.Errorf("add: %w", err)
		}
		if err := kp.leaf.fits(t.extensions); err != nil {
			return nil, fmt.Errorf("add: %w", err)
		}
		i, ok := edit.add(kp.leaf)
		if !ok {
			return nil, fmt.Errorf("add: over %d members: %w", maxLeaves, ErrInvalid)
		}
		t.added = append(t.added, addition{i, kp})
	}
	if err := e.checkNewLeaves(t.added); err != nil {
		return nil, fmt.Errorf("add: %w", err)
	}
	t.tree = edit.freeze()
	return t, nil
}

// checkNewLeaves verifies that the keys of new leaves are unique in the group
// and that old and new members support each other's credential types (RFC
// 9420, §7.3).
func (e *Epoch) checkNewLeaves(added []addition) error {
	keys := make(map[string]bool, 2*len(added))
	for _, a := range added {
		l := a.keyPackage.leaf
		for _, key := range []string{"e" + string(l.encryptionKey), "s" + string(l.signatureKey)} {
			if keys[key] {
				return fmt.Errorf("one key in two leaves: %w", ErrInvalid)
			}
			keys[key] = true
		}
	}
	for i, l := range e.tree.members() {
		if keys["e"+string(l.encryptionKey)] || keys["s"+string(l.signatureKey)] {
			return fmt.Errorf("key of leaf %d again: %w", i, ErrInvalid)
		}
		for _, a := range added {
			if err := sameCredentials(l, a.keyPackage.leaf); err != nil {
				return fmt.Errorf("leaf %d: %w", i, err)
			}
		}
	}
	for x, p := range e.tree.parents() {
		if keys["e"+string(p.parent.encryptionKey)] {
			return fmt.Errorf("key of node %d again: %w", x, ErrInvalid)
		}
	}
	return nil
}

func sameCredentials(a, b *leafNode) error {
	if !slices.Contains(a.capabilities.Credentials, b.credential.typ) ||
		!slices.Contains(b.capabilities.Credentials, a.credential.typ) {
		return fmt.Errorf("credential type not supported: %w", ErrInvalid)
	}
	return nil
}
