package mls

import (
	"bytes"
	"crypto/hmac"
	"fmt"
)

// A Staged is a commit, ours or another's, that has been checked to the end and
// not been entered. The caller looks at its Changes and applies or drops it;
// the epoch it was staged on stays as it is, and any number of commits can be
// staged on one epoch.
type Staged struct {
	parent  *Epoch
	next    *Epoch
	changes Changes
	message []byte
	welcome []byte

	// opened is the handshake key of another's commit that Apply consumes.
	opened *senderData
}

// Changes is what a commit does.
type Changes struct {
	// Committer is the member whose commit it is.
	Committer Member
	// Added are the new members, in the order of their leaves. Their key
	// packages are valid; whether their identities are what they claim is the
	// caller's to check.
	Added []Member
	// AuthenticatedData came with the commit; its signature covers it.
	AuthenticatedData []byte
}

// Changes returns what the commit does.
func (s *Staged) Changes() Changes { return s.changes }

// Message returns the commit as an MLSMessage; nil when it is another's.
func (s *Staged) Message() []byte { return bytes.Clone(s.message) }

// Welcome returns the Welcome, an MLSMessage, for all members that our commit
// adds; nil when there are none or it is another's.
func (s *Staged) Welcome() []byte { return bytes.Clone(s.welcome) }

// Epoch returns the number of the epoch that the commit leads to.
func (s *Staged) Epoch() uint64 { return s.next.context.epoch }

// Authenticator returns epoch_authenticator of that epoch.
func (s *Staged) Authenticator() []byte { return s.next.Authenticator() }

// Apply returns the next epoch, which the caller then saves in a scope of its
// own. r holds the records of the epoch that the commit was staged on: the key
// that opened the commit is erased there. For our own commits, and for public
// messages, r is not used and may be nil.
func (s *Staged) Apply(r Records) (*Epoch, error) {
	if s.opened != nil {
		// The records may have changed since the commit was staged.
		k, changes, err := s.parent.secretTree(r).receive(handshakeRatchet, s.opened.leaf, s.opened.generation)
		if err != nil {
			return nil, fmt.Errorf("apply commit: %w", err)
		}
		k.clear()
		if err := changes.write(r); err != nil {
			return nil, fmt.Errorf("apply commit: %w", err)
		}
	}
	return s.next, nil
}

// Stage checks another member's commit, a public or private MLSMessage (RFC
// 9420, §12.4.2), to the end, confirmation tag included. It reads the records
// and writes nothing; a commit that is refused leaves no trace.
func (e *Epoch) Stage(r Records, msg []byte) (*Staged, error) {
	s, err := e.stage(r, msg)
	if err != nil {
		return nil, fmt.Errorf("stage commit: %w", err)
	}
	return s, nil
}

func (e *Epoch) stage(r Records, msg []byte) (*Staged, error) {
	a, opened, err := e.openHandshake(r, msg)
	if err != nil {
		return nil, err
	}
	if a.content.typ != contentCommit {
		return nil, ErrWrongKind
	}
	list, err := a.content.commit.byValue()
	if err != nil {
		return nil, err
	}
	t, err := e.transit(list)
	if err != nil {
		return nil, err
	}
	next, k, err := e.follow(t, a)
	if err != nil {
		return nil, err
	}
	clear(k.joiner)
	clear(k.welcome)
	if !hmac.Equal(next.tag, a.auth.confirmationTag) {
		return nil, fmt.Errorf("confirmation tag: %w", ErrInvalid)
	}
	s := &Staged{parent: e, next: next, opened: opened}
	s.changes = e.changes(a, t)
	return s, nil
}

// openHandshake decrypts or checks a handshake message of another member and
// verifies its signature. opened says which key a private one used.
func (e *Epoch) openHandshake(r Records, msg []byte) (*authenticatedContent, *senderData, error) {
	m, err := decodeMessage(msg)
	if err != nil {
		return nil, nil, err
	}
	switch m.format {
	case wirePublicMessage:
		a, err := e.openPublic(m.public)
		return a, nil, err
	case wirePrivateMessage:
		if m.private.typ == contentApplication {
			return nil, nil, ErrWrongKind
		}
		if err := e.expects(m.private.groupID, m.private.epoch); err != nil {
			return nil, nil, err
		}
		a, d, _, err := e.openPrivate(r, m.private)
		return a, &d, err
	}
	return nil, nil, ErrWrongKind
}

// openPublic checks a PublicMessage. Only members are let through: what a
// sender from outside may do is not supported yet.
func (e *Epoch) openPublic(m *publicMessage) (*authenticatedContent, error) {
	if err := e.expects(m.content.groupID, m.content.epoch); err != nil {
		return nil, err
	}
	if m.content.sender.typ != senderMember {
		return nil, fmt.Errorf("sender type %d: %w", m.content.sender.typ, ErrUnsupported)
	}
	a, err := e.suite.unprotectPublic(m, e.secrets.membership, e.encoded)
	if err != nil {
		return nil, err
	}
	if m.content.sender.index == e.own {
		return nil, ErrOwnMessage
	}
	l := e.tree.leaf(m.content.sender.index)
	if l == nil {
		return nil, fmt.Errorf("sender is no member: %w", ErrInvalid)
	}
	return a, a.verify(e.suite, l.signatureKey, e.encoded)
}

// byValue returns the proposals of a commit that needs nothing beside itself
// and has no path.
func (c *commit) byValue() ([]*proposal, error) {
	if c.path != nil {
		return nil, fmt.Errorf("commit with a path: %w", ErrUnsupported)
	}
	if len(c.proposals) == 0 {
		return nil, fmt.Errorf("commit with neither proposals nor path: %w", ErrInvalid)
	}
	list := make([]*proposal, 0, len(c.proposals))
	for _, p := range c.proposals {
		if p.proposal == nil {
			return nil, fmt.Errorf("proposal by reference: %w", ErrUnsupported)
		}
		list = append(list, p.proposal)
	}
	return list, nil
}

// follow makes the epoch after a signed commit without a path (RFC 9420,
// §12.4.2, last steps). Its tag is what the commit's has to be.
func (e *Epoch) follow(t *transition, a *authenticatedContent) (*Epoch, *keySchedule, error) {
	s := e.suite
	context := &groupContext{
		suite:          s.id,
		groupID:        e.context.groupID,
		epoch:          e.context.epoch + 1,
		treeHash:       t.tree.hash(),
		transcriptHash: s.nextTranscript(e.interim, a),
		extensions:     t.extensions,
	}
	b := encoded(context)
	joiner, err := s.joinerSecret(e.secrets.init, s.zeros(), b)
	if err != nil {
		return nil, nil, err
	}
	k, err := s.schedule(joiner, s.zeros(), b)
	if err != nil {
		return nil, nil, err
	}
	next := newEpoch(s, e.signer, context, k, t.tree, e.own)
	next.private = e.private
	return next, k, nil
}

// changes says what a commit does.
func (e *Epoch) changes(a *authenticatedContent, t *transition) Changes {
	i := a.content.sender.index
	c := Changes{
		Committer:         newMember(i, e.tree.leaf(i)),
		AuthenticatedData: bytes.Clone(a.content.authenticatedData),
	}
	for _, add := range t.added {
		c.Added = append(c.Added, newMember(add.leaf, add.keyPackage.leaf))
	}
	return c
}
