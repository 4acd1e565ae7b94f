package mls

import (
	"bytes"
	"fmt"
	"sync/atomic"
)

// An Epoch is one epoch of a group as one member sees it: the public tree, the
// group context and the epoch's secrets. It is immutable and may be used from
// several goroutines; the secret tree, which is not, lives in the Records that
// the calls are given.
type Epoch struct {
	suite   *suite
	signer  Signer
	context *groupContext
	encoded []byte // the encoding of context
	tree    *tree
	own     uint32
	secrets epochSecrets
	tag     []byte // confirmation_tag
	interim []byte // interim_transcript_hash
	private map[nodeIndex]*privateKey
	closed  *reInit // what ended the group
	outside bool    // we are no member yet: the view of an external commit

	// encryption is the root of the secret tree until Save hands it over.
	encryption atomic.Pointer[[]byte]
}

// newEpoch returns the epoch that a key schedule begins.
func newEpoch(s *suite, signer Signer, context *groupContext, k *keySchedule, t *tree, own uint32) *Epoch {
	e := &Epoch{
		suite: s, signer: signer, context: context, encoded: encoded(context),
		tree: t, own: own, secrets: k.secrets,
	}
	e.tag = s.mac(k.secrets.confirmation, context.transcriptHash)
	e.interim = s.interimTranscript(context.transcriptHash, e.tag)
	e.encryption.Store(&k.encryption)
	return e
}

// GroupID returns the id of the group.
func (e *Epoch) GroupID() []byte { return bytes.Clone(e.context.groupID) }

// Number returns the number of the epoch; it counts the commits since 0.
func (e *Epoch) Number() uint64 { return e.context.epoch }

// Suite returns the cipher suite.
func (e *Epoch) Suite() Suite { return e.suite.id }

// Authenticator returns epoch_authenticator, equal at all members of the epoch
// and at nobody else (RFC 9420, §8.7).
func (e *Epoch) Authenticator() []byte { return bytes.Clone(e.secrets.authenticator) }

// Extensions returns the GroupContext extensions, unknown ones included.
func (e *Epoch) Extensions() []Extension { return cloneExtensions(e.context.extensions) }

// OwnLeaf returns the index of this member's leaf.
func (e *Epoch) OwnLeaf() uint32 { return e.own }

// A Member is one leaf of the tree.
type Member struct {
	Leaf uint32
	// Identity is the content of the basic credential. This package does not
	// know whether SignatureKey may speak for it: who lets somebody in checks
	// (RFC 9420, §5.3.1).
	Identity     []byte
	SignatureKey []byte
	Capabilities Capabilities
	// Extensions of the leaf, unknown ones included.
	Extensions []Extension
}

func newMember(i uint32, l *leafNode) Member {
	return Member{
		Leaf:         i,
		Identity:     bytes.Clone(l.credential.identity),
		SignatureKey: bytes.Clone(l.signatureKey),
		Capabilities: l.capabilities.clone(),
		Extensions:   cloneExtensions(l.extensions),
	}
}

// Size returns the number of members.
func (e *Epoch) Size() int { return int(e.tree.root.members) }

// Members returns the members in the order of their leaves.
func (e *Epoch) Members() []Member {
	list := make([]Member, 0, e.tree.root.members)
	for i, l := range e.tree.members() {
		list = append(list, newMember(i, l))
	}
	return list
}

// Export is MLS-Exporter (RFC 9420, §8.5): n bytes that all members of the
// epoch can derive, and nobody else.
func (e *Epoch) Export(label string, context []byte, n int) ([]byte, error) {
	b, err := e.suite.export(e.secrets.exporter, label, context, n)
	if err != nil {
		return nil, fmt.Errorf("export: %w", err)
	}
	return b, nil
}

// secretTree returns the epoch's secret tree in the records.
func (e *Epoch) secretTree(r Records) secretTree {
	return secretTree{suite: e.suite, leaves: e.tree.leaves, records: r}
}

// expects checks that a message belongs to this epoch.
func (e *Epoch) expects(groupID []byte, epoch uint64) error {
	if !bytes.Equal(groupID, e.context.groupID) {
		return ErrWrongGroup
	}
	if epoch != e.context.epoch {
		return ErrWrongEpoch
	}
	return nil
}

// openPrivate decrypts a PrivateMessage of another member and verifies its
// signature. It returns what the caller has to write to the records.
func (e *Epoch) openPrivate(r Records, m *privateMessage) (*authenticatedContent, senderData, *recordChanges, error) {
	d, err := e.suite.openSenderData(m, e.secrets.senderData)
	if err != nil {
		return nil, d, nil, err
	}
	if d.leaf == e.own {
		return nil, d, nil, ErrOwnMessage
	}
	l := e.tree.leaf(d.leaf)
	if l == nil {
		return nil, d, nil, fmt.Errorf("sender is no member: %w", ErrDecrypt)
	}
	k, changes, err := e.secretTree(r).receive(ratchetFor(m.typ), d.leaf, d.generation)
	if err != nil {
		return nil, d, nil, err
	}
	defer k.clear()
	a, err := e.suite.unprotectPrivate(m, d, k)
	if err != nil {
		return nil, d, nil, err
	}
	if err := a.verify(e.suite, l.signatureKey, e.encoded); err != nil {
		return nil, d, nil, err
	}
	return a, d, changes, nil
}

// sealPrivate encrypts signed content with the next key of an own ratchet,
// which it advances in the records.
func (e *Epoch) sealPrivate(r Records, a *authenticatedContent) ([]byte, error) {
	k, generation, changes, err := e.secretTree(r).send(ratchetFor(a.content.typ), e.own)
	if err != nil {
		return nil, err
	}
	defer k.clear()
	p, err := e.suite.protectPrivate(a, e.secrets.senderData, k, generation)
	if err != nil {
		return nil, err
	}
	if err := changes.write(r); err != nil {
		return nil, err
	}
	return encoded(&message{format: WirePrivateMessage, private: p}), nil
}
