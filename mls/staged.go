package mls

import (
	"bytes"
	"fmt"
)

// A Staged is a commit, ours or another's, that has been checked to the end and
// not been entered. The caller looks at its Changes and applies or drops it;
// the epoch it was staged on stays as it is, and any number of commits can be
// staged on one epoch.
type Staged struct {
	parent  *Epoch
	next    *Epoch // nil when we are removed
	changes Changes
	message []byte
	welcome []byte
	tree    []byte // beside the Welcome

	// opened is the handshake key of another's commit that Apply consumes.
	opened *senderData
}

// Changes returns what the commit does.
func (s *Staged) Changes() Changes { return s.changes }

// Message returns the commit as an MLSMessage; nil when it is another's.
func (s *Staged) Message() []byte { return bytes.Clone(s.message) }

// Welcome returns the Welcome, an MLSMessage, for all members that our commit
// adds; nil when there are none or it is another's.
func (s *Staged) Welcome() []byte { return bytes.Clone(s.welcome) }

// RatchetTree returns what goes beside the Welcome when CommitConfig.TreeBeside
// asked for it: the tree, sealed under a key that is in the Welcome. It is
// JoinConfig.RatchetTree of those who join.
func (s *Staged) RatchetTree() []byte { return bytes.Clone(s.tree) }

// Epoch returns the number of the epoch that the commit leads to.
func (s *Staged) Epoch() uint64 { return s.parent.context.epoch + 1 }

// RemovesUs reports whether the commit removes this member. Nothing of the next
// epoch can be known then, its confirmation tag included: only that a member
// signed the commit, and that its list and the public half of its path are
// valid.
func (s *Staged) RemovesUs() bool { return s.next == nil }

// Authenticator returns epoch_authenticator of the epoch that the commit leads
// to; nil when it removes us.
func (s *Staged) Authenticator() []byte {
	if s.next == nil {
		return nil
	}
	return s.next.Authenticator()
}

// Apply returns the next epoch, which the caller then saves in a scope of its
// own. r holds the records of the epoch that the commit was staged on: the key
// that opened the commit is erased there. For our own commits, and for public
// messages, r is not used and may be nil. The error is ErrRemoved when the
// commit removes us.
func (s *Staged) Apply(r Records) (*Epoch, error) {
	if s.next == nil {
		return nil, fmt.Errorf("apply commit: %w", ErrRemoved)
	}
	if err := s.opened.consume(s.parent, r); err != nil {
		return nil, fmt.Errorf("apply commit: %w", err)
	}
	return s.next, nil
}

// consume erases the key that opened a private handshake message. The records
// may have changed since it was opened.
func (d *senderData) consume(e *Epoch, r Records) error {
	if d == nil {
		return nil
	}
	k, changes, err := e.secretTree(r).receive(handshakeRatchet, d.leaf, d.generation)
	if err != nil {
		return err
	}
	k.clear()
	return changes.write(r)
}

// ExternalPolicy says which external commits Stage lets in.
type ExternalPolicy int

const (
	// ExternalRejoin lets a present member bring its own leaf back, and nothing
	// else: the commit has exactly one Remove, of a leaf with the credential
	// and the signature key of the one that joins, and no pre-shared keys.
	ExternalRejoin ExternalPolicy = iota
	// ExternalNone refuses all.
	ExternalNone
	// ExternalAny lets in whatever RFC 9420, §12.4.3.2, allows: with it
	// whoever has a GroupInfo can join.
	ExternalAny
)

// StageConfig is what checking a commit may need beside the epoch, often nothing.
type StageConfig struct {
	// PSKs returns pre-shared keys; nil when there are none.
	PSKs PSKs
	// External says which external commits are let in.
	External ExternalPolicy
	// MaxMembers is how many members the group may have after the commit; zero is no
	// limit. More are refused before the signatures of the new ones are verified.
	MaxMembers int
	// AnyLifetime lets in leaves of key packages whose lifetime is longer than
	// MaxLifetime, in groups with programs that know no such bound (RFC 9420, §7.2).
	AnyLifetime bool
}

// Stage checks another member's commit, a public or private MLSMessage (RFC
// 9420, §12.4.2), to the end, confirmation tag included. It reads the records
// and writes nothing; a commit that is refused leaves no trace.
func (e *Epoch) Stage(r Records, msg []byte, cfg StageConfig) (*Staged, error) {
	s, err := e.stage(r, msg, cfg)
	if err != nil {
		return nil, fmt.Errorf("stage commit: %w", err)
	}
	return s, nil
}

func (e *Epoch) stage(r Records, msg []byte, cfg StageConfig) (*Staged, error) {
	if e.closed != nil {
		return nil, ErrClosed
	}
	a, opened, err := e.openHandshake(r, msg)
	if err != nil {
		return nil, err
	}
	if a.content.typ != contentCommit {
		return nil, ErrWrongKind
	}
	c := a.content.commit
	list, err := e.resolve(r, a.content.sender, c)
	if err != nil {
		return nil, err
	}
	if n := e.membersAfter(a.content.sender, list); cfg.MaxMembers > 0 && n > cfg.MaxMembers {
		return nil, fmt.Errorf("group of %d members: %w", n, ErrUnsupported)
	}
	if !cfg.AnyLifetime {
		if err := checkSpans(list); err != nil {
			return nil, err
		}
	}
	t, err := e.transit(a.content.sender, list)
	if err != nil {
		return nil, err
	}
	if err := t.mergePath(e, c.path); err != nil {
		return nil, err
	}
	if err := t.check(e, c.path); err != nil {
		return nil, err
	}
	if a.content.sender.typ == senderNewMemberCommit {
		if err := cfg.External.allows(e, t); err != nil {
			return nil, err
		}
	}
	s := &Staged{parent: e, opened: opened, changes: e.changes(a, t, list)}
	if t.removes(e.own) {
		return s, nil
	}
	s.next, err = e.enterCommit(t, a, cfg.PSKs)
	return s, err
}

// membersAfter counts the members after a commit with a list of proposals, whose
// validity is not known yet: of repeated Removes each counts.
func (e *Epoch) membersAfter(from sender, list []listed) int {
	n, removed := int(e.tree.root.members), 0
	if from.typ == senderNewMemberCommit {
		n++
	}
	for _, p := range list {
		switch p.typ {
		case ProposalAdd:
			n++
		case ProposalRemove:
			removed++
		}
	}
	return n - min(removed, int(e.tree.root.members))
}

// allows applies the policy to an external commit that RFC 9420 allows.
func (p ExternalPolicy) allows(e *Epoch, t *transition) error {
	joined := t.tree.leaf(t.committer)
	if len(t.removed) == 1 {
		old := e.tree.leaf(t.removed[0])
		if !bytes.Equal(old.credential.identity, joined.credential.identity) {
			return fmt.Errorf("external commit removes somebody else: %w", ErrInvalid)
		}
	}
	switch p {
	case ExternalAny:
		return nil
	case ExternalRejoin:
		if len(t.removed) == 1 && len(t.psks) == 0 &&
			bytes.Equal(e.tree.leaf(t.removed[0]).signatureKey, joined.signatureKey) {
			return nil
		}
	}
	return fmt.Errorf("external commit: %w", ErrInvalid)
}
