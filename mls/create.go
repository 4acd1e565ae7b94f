package mls

import (
	"bytes"
	"fmt"
)

// GroupConfig says how a new group begins.
type GroupConfig struct {
	// Suite is the cipher suite; zero is 0x0001.
	Suite Suite
	// GroupID must be unique; empty means random bytes, as many as the suite's
	// hash has.
	GroupID []byte
	// Signer holds the creator's signature key.
	Signer Signer
	// Identity is the content of the creator's basic credential.
	Identity []byte
	// Capabilities of the creator's leaf: see the type for its defaults.
	Capabilities Capabilities
	// LeafExtensions go into the creator's leaf.
	LeafExtensions []Extension
	// Extensions are the GroupContext's, without required_capabilities.
	Extensions []Extension
	// RequiredCapabilities, when it requires anything, becomes an extension of
	// the GroupContext.
	RequiredCapabilities RequiredCapabilities
	// NoGREASE leaves out the random reserved values.
	NoGREASE bool
}

// Create begins a group with its creator as the only member, in epoch 0 (RFC
// 9420, §11).
func Create(cfg GroupConfig) (*Epoch, error) {
	if cfg.Suite == 0 {
		cfg.Suite = X25519_AES128GCM_SHA256_Ed25519
	}
	s, err := cfg.Suite.lookup()
	if err != nil {
		return nil, fmt.Errorf("create group: %w", err)
	}
	e, err := create(s, cfg)
	if err != nil {
		return nil, fmt.Errorf("create group: %w", err)
	}
	return e, nil
}

func create(s *suite, cfg GroupConfig) (*Epoch, error) {
	extensions := cloneExtensions(cfg.Extensions)
	if !cfg.RequiredCapabilities.empty() {
		extensions = append(extensions, Extension{ExtensionRequiredCapabilities, encoded(cfg.RequiredCapabilities)})
	}
	if err := checkDistinct(extensions); err != nil {
		return nil, err
	}
	groupID := bytes.Clone(cfg.GroupID)
	if len(groupID) == 0 {
		groupID = random(s.size)
	}
	leaf, private, err := creatorLeaf(s, cfg, groupID)
	if err != nil {
		return nil, err
	}
	q, err := requirementsOf(extensions)
	if err != nil {
		return nil, err
	}
	if err := leaf.capabilities.meets(q); err != nil {
		return nil, err
	}
	t := newTree(s, leaf)
	context := &groupContext{
		suite: s.id, groupID: groupID, treeHash: t.hash(), extensions: extensions,
	}
	k := &keySchedule{epoch: random(s.size)}
	if err := k.expand(s); err != nil {
		return nil, err
	}
	e := newEpoch(s, cfg.Signer, context, k, t, 0)
	e.private = map[nodeIndex]*privateKey{0: private}
	return e, nil
}

// creatorLeaf makes the leaf of a group's creator. Its source is update: such a
// leaf is bound to the group and needs no lifetime, for which there would have
// to be a clock.
func creatorLeaf(s *suite, cfg GroupConfig, groupID []byte) (*leafNode, *privateKey, error) {
	private, public, err := s.hpke.generate()
	if err != nil {
		return nil, nil, err
	}
	l, err := newLeaf(cfg.Signer, cfg.Identity, cfg.Capabilities, cfg.LeafExtensions, !cfg.NoGREASE)
	if err != nil {
		return nil, nil, err
	}
	l.encryptionKey, l.source = public, sourceUpdate
	if err := l.sign(cfg.Signer, groupID, 0); err != nil {
		return nil, nil, err
	}
	return l, private, l.check(s, groupID, 0)
}
