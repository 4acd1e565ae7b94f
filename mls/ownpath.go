package mls

import "fmt"

// An ownPath is a path that this member makes (RFC 9420, §7.4, §7.5).
type ownPath struct {
	update *updatePath
	tree   *tree // with the path in it
	steps  []pathStep
	// secrets are the path secrets of the steps, private the keys of the steps
	// and of the leaf, commit is commit_secret.
	secrets [][]byte
	private map[nodeIndex]*privateKey
	commit  []byte
}

// newPath makes fresh keys for a leaf and its filtered direct path. base is
// what the leaf is to be apart from its keys.
func (t *tree) newPath(leaf uint32, base *leafNode, signer Signer, groupID []byte) (*ownPath, error) {
	s := t.suite
	p := &ownPath{steps: t.filteredPath(leaf), private: make(map[nodeIndex]*privateKey), update: &updatePath{}}
	keys, err := p.derive(s)
	if err != nil {
		return nil, err
	}
	l := *base
	if p.private[leafNodeIndex(leaf)], l.encryptionKey, err = s.hpke.generate(); err != nil {
		return nil, err
	}
	nodes, hash := s.pathNodes(p.steps, keys)
	l.source, l.lifetime, l.parentHash = sourceCommit, Lifetime{}, hash
	if err := l.sign(signer, groupID, leaf); err != nil {
		return nil, err
	}
	p.update.leaf = &l
	p.tree = t.withPath(leaf, &l, p.steps, nodes)
	return p, nil
}

// derive makes the path secrets, the first at random, and the keys of them. It
// returns the public keys.
func (p *ownPath) derive(s *suite) ([][]byte, error) {
	secret := random(s.size)
	keys := make([][]byte, len(p.steps))
	for i, step := range p.steps {
		private, public, next, err := s.pathKeys(secret)
		if err != nil {
			return nil, err
		}
		keys[i], p.private[step.at] = public, private
		p.secrets = append(p.secrets, secret)
		p.update.nodes = append(p.update.nodes, updatePathNode{encryptionKey: public})
		secret = next
	}
	p.commit = secret
	return keys, nil
}

// encrypt encrypts the path secrets to everybody but the leaves that the same
// commit adds. before is the tree that the path was made in, context the
// provisional GroupContext.
func (p *ownPath) encrypt(before *tree, added map[uint32]bool, context []byte) error {
	type job struct {
		step, place int
		to          nodeIndex
	}
	var jobs []job
	for i, step := range p.steps {
		to := step.recipients(added)
		p.update.nodes[i].secrets = make([]hpkeCiphertext, len(to))
		for j, x := range to {
			jobs = append(jobs, job{i, j, x})
		}
	}
	return inParallel(len(jobs), 1, func(i int) error {
		j := jobs[i]
		c, err := before.suite.encryptWithLabel(before.at(j.to).key(), "UpdatePathNode", context, p.secrets[j.step])
		if err != nil {
			return fmt.Errorf("encrypt path secret: %w", err)
		}
		p.update.nodes[j.step].secrets[j.place] = c
		return nil
	})
}

// secretFor returns the path secret of the lowest node above both the committer
// and a leaf that the commit adds.
func (p *ownPath) secretFor(leaf uint32) []byte {
	for i, step := range p.steps {
		if step.at.covers(leaf) {
			return p.secrets[i]
		}
	}
	return nil
}

// clear wipes the secrets that are not kept.
func (p *ownPath) clear() {
	for _, secret := range p.secrets {
		clear(secret)
	}
	clear(p.commit)
}
