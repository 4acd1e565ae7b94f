package mls

import (
	"bytes"
	"fmt"
	"slices"
)

// A pathStep is a node of a filtered direct path (RFC 9420, §4.1.2), with the
// child of it that is not on the path.
type pathStep struct {
	at      nodeIndex
	copath  nodeIndex
	sibling *treeNode
}

// filteredPath returns the filtered direct path of a leaf, the lowest node
// first.
func (t *tree) filteredPath(leaf uint32) []pathStep {
	var steps []pathStep
	n, x := t.root, rootIndex(t.leaves)
	for x.level() > 0 {
		l, _ := x.left()
		r, _ := x.right()
		next, down, side, sibling := l, n.left, r, n.right
		if !l.covers(leaf) {
			next, down, side, sibling = r, n.right, l, n.left
		}
		if len(sibling.resolution(side, 0, nil)) > 0 {
			steps = append(steps, pathStep{x, side, sibling})
		}
		n, x = down, next
	}
	slices.Reverse(steps)
	return steps
}

// recipients returns the nodes that a step's path secret is encrypted to: the
// resolution of the copath without the leaves that the same commit adds, which
// get theirs in the Welcome (RFC 9420, §7.5, §12.4.1).
func (p pathStep) recipients(added map[uint32]bool) []nodeIndex {
	list := p.sibling.resolution(p.copath, maxLeaves, nil)
	return slices.DeleteFunc(list, func(x nodeIndex) bool { return x.level() == 0 && added[x.leaf()] })
}

// pathNodes makes the nodes of a path of their keys, and the parent hash of the
// leaf below them (RFC 9420, §7.9).
func (s *suite) pathNodes(steps []pathStep, keys [][]byte) (nodes []*parentNode, leafHash []byte) {
	nodes = make([]*parentNode, len(steps))
	var hash []byte
	for i := len(steps) - 1; i >= 0; i-- {
		nodes[i] = &parentNode{encryptionKey: keys[i], parentHash: hash}
		hash = s.parentHash(nodes[i], steps[i].sibling.hash)
	}
	return nodes, hash
}

// withPath returns the tree with a leaf and its filtered direct path replaced;
// the rest of the direct path becomes blank (RFC 9420, §7.5).
func (t *tree) withPath(leaf uint32, l *leafNode, steps []pathStep, nodes []*parentNode) *tree {
	e := t.edit()
	x, i := leafNodeIndex(leaf), 0
	e.change(leaf, func(n *treeNode) { n.put(l) }, func(n *treeNode) {
		x, _ = x.parent(t.leaves)
		n.parent = nil
		if i < len(steps) && steps[i].at == x {
			n.parent = nodes[i]
			i++
		}
	})
	return e.freeze()
}

// merge checks the public half of another's path and puts it into the tree
// after the proposals (RFC 9420, §12.4.2). The leaf itself, and that all keys are
// new, is checked with all other new leaves.
func (p *updatePath) merge(t *tree, committer uint32) (*tree, []pathStep, error) {
	s := t.suite
	if p.leaf.source != sourceCommit {
		return nil, nil, fmt.Errorf("path: leaf node source %d: %w", p.leaf.source, ErrInvalid)
	}
	steps := t.filteredPath(committer)
	if len(steps) != len(p.nodes) {
		return nil, nil, fmt.Errorf("path of %d nodes instead of %d: %w", len(p.nodes), len(steps), ErrInvalid)
	}
	keys := make([][]byte, len(steps))
	for i, n := range p.nodes {
		if err := s.checkEncryptionKey(n.encryptionKey); err != nil {
			return nil, nil, fmt.Errorf("path: %w", err)
		}
		keys[i] = n.encryptionKey
	}
	nodes, hash := s.pathNodes(steps, keys)
	if !bytes.Equal(hash, p.leaf.parentHash) {
		return nil, nil, fmt.Errorf("path: parent hash: %w", ErrInvalid)
	}
	return t.withPath(committer, p.leaf, steps, nodes), steps, nil
}

// A pathReader opens the path secrets that are for one member.
type pathReader struct {
	suite   *suite
	own     uint32
	private map[nodeIndex]*privateKey // keys of the tree after the proposals
	added   map[uint32]bool
	context []byte // the provisional GroupContext
}

// open returns the private keys of the nodes that the path sets above us, and
// the commit secret (RFC 9420, §7.5).
func (o *pathReader) open(p *updatePath, steps []pathStep) (keys map[nodeIndex]*privateKey, commit []byte, err error) {
	var secret []byte
	first := -1
	for i, step := range steps {
		to := step.recipients(o.added)
		if len(p.nodes[i].secrets) != len(to) {
			return nil, nil, fmt.Errorf("path: ciphertexts of node %d: %w", step.at, ErrInvalid)
		}
		if first >= 0 || !step.copath.covers(o.own) {
			continue
		}
		first = i
		if secret, err = o.openSecret(p.nodes[i], to); err != nil {
			return nil, nil, err
		}
	}
	if first < 0 {
		return nil, nil, fmt.Errorf("path: nothing for us: %w", ErrInvalid)
	}
	keys = make(map[nodeIndex]*privateKey)
	for i := first; i < len(steps); i++ {
		private, next, err := o.suite.fittingKey(secret, p.nodes[i].encryptionKey)
		clear(secret)
		if err != nil {
			return nil, nil, err
		}
		keys[steps[i].at], secret = private, next
	}
	return keys, secret, nil
}

// openSecret decrypts the path secret of a node with the key of ours that it is
// encrypted to.
func (o *pathReader) openSecret(n updatePathNode, to []nodeIndex) ([]byte, error) {
	for j, x := range to {
		private := o.private[x]
		if private == nil {
			continue
		}
		secret, err := o.suite.decryptWithLabel(private, "UpdatePathNode", o.context, n.secrets[j])
		if err != nil {
			return nil, fmt.Errorf("path secret: %w", err)
		}
		if len(secret) != o.suite.size {
			return nil, fmt.Errorf("path secret: %w", ErrInvalid)
		}
		return secret, nil
	}
	return nil, fmt.Errorf("path: no key of ours: %w", ErrInvalid)
}

// pathKeys derives a parent's key pair from its path secret, and the path secret of
// the next parent (RFC 9420, §7.4).
func (s *suite) pathKeys(secret []byte) (private *privateKey, public, next []byte, err error) {
	node, err := s.deriveSecret(secret, "node")
	if err != nil {
		return nil, nil, nil, err
	}
	defer clear(node)
	if private, public, err = s.hpke.derive(node); err != nil {
		return nil, nil, nil, err
	}
	next, err = s.deriveSecret(secret, "path")
	return private, public, next, err
}

// fittingKey is pathKeys for a parent whose public key is known.
func (s *suite) fittingKey(secret, public []byte) (private *privateKey, next []byte, err error) {
	private, derived, next, err := s.pathKeys(secret)
	if err != nil {
		return nil, nil, err
	}
	if !bytes.Equal(derived, public) {
		clear(next)
		return nil, nil, fmt.Errorf("path secret does not fit the tree: %w", ErrInvalid)
	}
	return private, next, nil
}
