package mls

import (
	"fmt"
)

// A listed is a proposal in a commit's list, with who sent it.
type listed struct {
	*proposal
	from      sender
	reference []byte // of one that was sent before
	private   []byte // the key of our own Update
}

// checkList verifies which proposals may be in one commit (RFC 9420, §12.2). It
// is the same for the caller's own commits.
func checkList(from sender, list []listed) error {
	if from.typ == senderNewMemberCommit {
		return checkExternalList(list)
	}
	seen := make(map[uint16]int)
	leaves := make(map[uint32]bool)
	for _, p := range list {
		seen[p.typ]++
		switch p.typ {
		case ProposalUpdate, ProposalRemove:
			i := p.remove
			if p.typ == ProposalUpdate {
				i = p.from.index
			}
			if i == from.index {
				return fmt.Errorf("committer updates or removes itself: %w", ErrInvalid)
			}
			if leaves[i] {
				return fmt.Errorf("two updates or removes of leaf %d: %w", i, ErrInvalid)
			}
			leaves[i] = true
		case ProposalExternalInit:
			return fmt.Errorf("external init of a member: %w", ErrInvalid)
		}
	}
	if seen[ProposalGroupContextExtensions] > 1 || seen[ProposalReInit] > 0 && len(list) > 1 {
		return fmt.Errorf("proposals that exclude each other: %w", ErrInvalid)
	}
	return checkPSKsOnce(list)
}

// checkExternalList is the same for an external commit (RFC 9420, §12.4.3.2).
func checkExternalList(list []listed) error {
	var inits, removes int
	for _, p := range list {
		if p.reference != nil {
			return fmt.Errorf("external commit by reference: %w", ErrInvalid)
		}
		switch p.typ {
		case ProposalExternalInit:
			inits++
		case ProposalRemove:
			removes++
		case ProposalPSK:
		default:
			return fmt.Errorf("external commit with a proposal of type %d: %w", p.typ, ErrInvalid)
		}
	}
	if inits != 1 || removes > 1 {
		return fmt.Errorf("external commit with %d inits and %d removes: %w", inits, removes, ErrInvalid)
	}
	return checkPSKsOnce(list)
}

// checkPSKsOnce refuses a list with two PreSharedKey proposals of one id.
func checkPSKsOnce(list []listed) error {
	seen := make(map[string]bool)
	for _, p := range list {
		if p.typ != ProposalPSK {
			continue
		}
		id := string(encoded(p.psk))
		if seen[id] {
			return fmt.Errorf("one pre-shared key twice: %w", ErrInvalid)
		}
		seen[id] = true
	}
	return nil
}

// checkProposal verifies a proposal by itself (RFC 9420, §12.1).
func (e *Epoch) checkProposal(p listed) error {
	switch p.typ {
	case ProposalAdd:
		if p.add.suite != e.suite.id {
			return fmt.Errorf("add: cipher suite of the key package: %w", ErrInvalid)
		}
		if err := p.add.valid(); err != nil {
			return fmt.Errorf("add: %w", err)
		}
	case ProposalUpdate:
		if p.from.typ != senderMember {
			return fmt.Errorf("update of no member: %w", ErrInvalid)
		}
		if p.update.source != sourceUpdate {
			return fmt.Errorf("update: leaf node source %d: %w", p.update.source, ErrInvalid)
		}
		if err := p.update.check(e.suite, e.context.groupID, p.from.index); err != nil {
			return fmt.Errorf("update: %w", err)
		}
	case ProposalRemove:
		if e.tree.leaf(p.remove) == nil {
			return fmt.Errorf("remove of leaf %d, which is blank: %w", p.remove, ErrInvalid)
		}
	case ProposalPSK:
		return e.checkPSK(p.psk, p.from)
	case ProposalReInit:
		if p.reInit.version < version10 {
			return fmt.Errorf("reinit to version %d: %w", p.reInit.version, ErrInvalid)
		}
	case ProposalGroupContextExtensions:
		if _, err := requiredCapabilities(p.extensions); err != nil {
			return err
		}
	}
	return nil
}

// checkPSK verifies the id of a PreSharedKey proposal (RFC 9420, §12.1.4). The
// two usages that begin a group are for its first commit alone, which nobody
// but its creator sees: also who comes from outside before it has none of them.
func (e *Epoch) checkPSK(id *pskID, from sender) error {
	if len(id.nonce) != e.suite.size {
		return fmt.Errorf("pre-shared key: nonce: %w", ErrInvalid)
	}
	begins := e.context.epoch == 0 && e.tree.root.members == 1 && from.typ == senderMember
	if id.typ == pskResumption && id.usage != PSKApplication && !begins {
		return fmt.Errorf("pre-shared key: usage %d: %w", id.usage, ErrInvalid)
	}
	return nil
}

// resolve returns the proposals of a commit: those in it, and those that it
// names and that are in the records.
func (e *Epoch) resolve(r Records, from sender, c *commit) ([]listed, error) {
	list := make([]listed, 0, len(c.proposals))
	seen := make(map[string]bool)
	for _, p := range c.proposals {
		if p.proposal != nil {
			list = append(list, listed{proposal: p.proposal, from: from})
			continue
		}
		if from.typ != senderMember {
			return nil, fmt.Errorf("external commit by reference: %w", ErrInvalid)
		}
		if seen[string(p.reference)] {
			return nil, fmt.Errorf("one proposal twice: %w", ErrInvalid)
		}
		seen[string(p.reference)] = true
		l, err := e.loadProposal(r, p.reference)
		if err != nil {
			return nil, err
		}
		list = append(list, l)
	}
	return list, nil
}
