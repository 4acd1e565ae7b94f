package mls

import (
	"crypto/hmac"
	"fmt"
	"slices"
)

// enterCommit derives the epoch after another's commit whose public half has
// been checked, and compares the confirmation tag.
func (e *Epoch) enterCommit(t *transition, a *authenticatedContent, psks PSKs) (*Epoch, error) {
	private := carryKeys(e.private, e.tree, t.proposed)
	if t.ownKey != nil {
		private[leafNodeIndex(e.own)] = t.ownKey
	}
	commit := e.suite.zeros()
	if path := a.content.commit.path; path != nil {
		o := &pathReader{
			suite: e.suite, own: e.own, private: private, added: t.addedLeaves(),
			context: encoded(e.nextContext(t, e.context.transcriptHash)),
		}
		keys, secret, err := o.open(path, t.steps)
		if err != nil {
			return nil, err
		}
		private = carryKeys(private, t.proposed, t.tree)
		for x, key := range keys {
			private[x] = key
		}
		commit = secret
	}
	defer clear(commit)
	next, k, err := e.follow(t, a, commit, psks)
	if err != nil {
		return nil, err
	}
	clear(k.joiner)
	clear(k.welcome)
	if !hmac.Equal(next.tag, a.auth.confirmationTag) {
		return nil, fmt.Errorf("confirmation tag: %w", ErrInvalid)
	}
	next.private = private
	return next, nil
}

// follow makes the epoch after a signed commit (RFC 9420, §12.4.2, last steps).
// Its tag is what the commit's has to be.
func (e *Epoch) follow(t *transition, a *authenticatedContent, commit []byte, psks PSKs) (*Epoch, *keySchedule, error) {
	s := e.suite
	init, err := e.initSecret(t)
	if err != nil {
		return nil, nil, err
	}
	defer clear(init)
	psk, err := s.pskSecretOf(t.psks, psks)
	if err != nil {
		return nil, nil, err
	}
	defer clear(psk)
	context := e.nextContext(t, s.nextTranscript(e.interim, a))
	b := encoded(context)
	joiner, err := s.joinerSecret(init, commit, b)
	if err != nil {
		return nil, nil, err
	}
	k, err := s.schedule(joiner, psk, b)
	if err != nil {
		return nil, nil, err
	}
	next := newEpoch(s, e.signer, context, k, t.tree, e.own)
	next.closed = t.reInit
	return next, k, nil
}

// nextContext is the GroupContext after a commit, provisional with the
// transcript hash of before.
func (e *Epoch) nextContext(t *transition, transcript []byte) *groupContext {
	return &groupContext{
		suite:          e.suite.id,
		groupID:        e.context.groupID,
		epoch:          e.context.epoch + 1,
		treeHash:       t.tree.hash(),
		transcriptHash: transcript,
		extensions:     t.extensions,
	}
}

// initSecret is the init secret that the next epoch begins with: ours, or that
// of an external commit (RFC 9420, §8.3). Who makes an external commit has it
// in place of ours.
func (e *Epoch) initSecret(t *transition) ([]byte, error) {
	if t.kemOutput == nil || e.outside {
		return slices.Clone(e.secrets.init), nil
	}
	private, _, err := e.suite.hpke.derive(e.secrets.external)
	if err != nil {
		return nil, err
	}
	defer private.clear()
	return e.suite.hpke.receiveExport(private, t.kemOutput, externalInitLabel, e.suite.size)
}

// carryKeys keeps of a member's private keys those that are still of its nodes.
func carryKeys(private map[nodeIndex]*privateKey, before, after *tree) map[nodeIndex]*privateKey {
	kept := make(map[nodeIndex]*privateKey, len(private))
	for x, key := range private {
		a, b := before.at(x), after.at(x)
		if a == nil || b == nil || a.leaf == nil && a.parent == nil || b.leaf == nil && b.parent == nil {
			continue
		}
		if slices.Equal(a.key(), b.key()) {
			kept[x] = key
		}
	}
	return kept
}
