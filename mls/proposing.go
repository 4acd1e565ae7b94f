package mls

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"time"
)

// MaxProposals is how many proposals on their own are kept in one epoch.
const MaxProposals = 1024

// recordProposals counts the proposals of the epoch; each lies beside it under
// its reference.
const recordProposals = "p"

func proposalRecord(reference []byte) string {
	return recordProposals + "/" + hex.EncodeToString(reference)
}

// A Proposal is one that travels on its own and that somebody may commit by
// reference, in the epoch it was made in.
type Proposal struct {
	// Reference names it in CommitConfig.Proposals.
	Reference []byte
	// Type is one of ProposalAdd and those beside it.
	Type uint16
	// Sender is the member who proposes; nil for somebody from outside.
	Sender *Member
	// Remove is the leaf to be removed; equal to the sender's for who leaves.
	Remove uint32
	// Add is the key package of who is to be added.
	Add *KeyPackage
	// AuthenticatedData came with the proposal; its signature covers it.
	AuthenticatedData []byte
	// Message is our own proposal as an MLSMessage, nil for another's.
	Message []byte
}

// ProposeConfig says how a proposal is sent.
type ProposeConfig struct {
	// AuthenticatedData goes with it in the clear, signed.
	AuthenticatedData []byte
	// Public sends it as a PublicMessage.
	Public bool
}

// ProposeAdd proposes to add somebody. Now is the time that the lifetime is
// checked against.
func (e *Epoch) ProposeAdd(r Records, kp *KeyPackage, now time.Time, cfg ProposeConfig) (*Proposal, error) {
	if err := kp.Check(now); err != nil {
		return nil, fmt.Errorf("propose: %w", err)
	}
	return e.propose(r, listed{proposal: &proposal{typ: ProposalAdd, add: kp}}, cfg)
}

// ProposeRemove proposes to remove a member. With the own leaf it is how one
// leaves: somebody else has to commit it.
func (e *Epoch) ProposeRemove(r Records, leaf uint32, cfg ProposeConfig) (*Proposal, error) {
	return e.propose(r, listed{proposal: &proposal{typ: ProposalRemove, remove: leaf}}, cfg)
}

// ProposeUpdate proposes a fresh key for the own leaf. The key is kept in the
// records until somebody commits it.
func (e *Epoch) ProposeUpdate(r Records, cfg ProposeConfig) (*Proposal, error) {
	private, public, err := e.suite.hpke.generate()
	if err != nil {
		return nil, fmt.Errorf("propose: %w", err)
	}
	l := *e.tree.leaf(e.own)
	l.encryptionKey, l.source, l.lifetime, l.parentHash = public, sourceUpdate, Lifetime{}, nil
	if err := l.sign(e.signer, e.context.groupID, e.own); err != nil {
		return nil, fmt.Errorf("propose: %w", err)
	}
	return e.propose(r, listed{proposal: &proposal{typ: ProposalUpdate, update: &l}, private: private.raw}, cfg)
}

// ProposePSK proposes to mix a pre-shared key into the next epoch.
func (e *Epoch) ProposePSK(r Records, id PSKID, cfg ProposeConfig) (*Proposal, error) {
	return e.propose(r, listed{proposal: &proposal{typ: ProposalPSK, psk: id.fresh(e.suite)}}, cfg)
}

// ProposeExtensions proposes new extensions of the GroupContext, all of them.
func (e *Epoch) ProposeExtensions(r Records, list []Extension, cfg ProposeConfig) (*Proposal, error) {
	return e.propose(r, listed{proposal: &proposal{typ: ProposalGroupContextExtensions, extensions: cloneExtensions(list)}}, cfg)
}

// ProposeReInit proposes to end the group and go on in another.
func (e *Epoch) ProposeReInit(r Records, to ReInit, cfg ProposeConfig) (*Proposal, error) {
	return e.propose(r, listed{proposal: to.proposal()}, cfg)
}

// propose checks, frames, keeps and encrypts a proposal of ours.
func (e *Epoch) propose(r Records, p listed, cfg ProposeConfig) (*Proposal, error) {
	if e.closed != nil {
		return nil, fmt.Errorf("propose: %w", ErrClosed)
	}
	p.from = sender{senderMember, e.own}
	if err := p.checkOwn(); err != nil {
		return nil, fmt.Errorf("propose: %w", err)
	}
	if err := e.checkProposal(p); err != nil {
		return nil, fmt.Errorf("propose: %w", err)
	}
	a := e.frame(contentProposal, cfg.AuthenticatedData, cfg.Public)
	a.content.proposal = p.proposal
	if err := a.sign(e.signer, e.encoded); err != nil {
		return nil, fmt.Errorf("propose: %w", err)
	}
	out := e.exportProposal(a)
	changes := &recordChanges{}
	if err := e.keepProposal(r, changes, out.Reference, a, p.private); err != nil {
		return nil, fmt.Errorf("propose: %w", err)
	}
	msg, err := e.protect(r, a)
	if err != nil {
		return nil, fmt.Errorf("propose: %w", err)
	}
	if err := changes.write(r); err != nil {
		return nil, fmt.Errorf("propose: %w", err)
	}
	out.Message = msg
	return out, nil
}

// Receive checks another's proposal, a public or private MLSMessage, and keeps
// it in the records, where a commit finds it. A proposal that is refused leaves
// no trace. It can be invalid in a commit all the same: Commit says so.
func (e *Epoch) Receive(r Records, msg []byte) (*Proposal, error) {
	a, opened, err := e.openHandshake(r, msg)
	if err != nil {
		return nil, fmt.Errorf("receive proposal: %w", err)
	}
	if a.content.typ != contentProposal {
		return nil, fmt.Errorf("receive proposal: %w", ErrWrongKind)
	}
	if err := e.checkProposal(listed{proposal: a.content.proposal, from: a.content.sender}); err != nil {
		return nil, fmt.Errorf("receive proposal: %w", err)
	}
	p := e.exportProposal(a)
	changes := &recordChanges{}
	if err := e.keepProposal(r, changes, p.Reference, a, nil); err != nil {
		return nil, fmt.Errorf("receive proposal: %w", err)
	}
	if err := opened.consume(e, r); err != nil {
		return nil, fmt.Errorf("receive proposal: %w", err)
	}
	if err := changes.write(r); err != nil {
		return nil, fmt.Errorf("receive proposal: %w", err)
	}
	return p, nil
}

// Pending returns how many proposals are kept in the records: those that we made
// or received in this epoch, and that nobody has committed. Who sees one that is
// valid must commit before it encrypts an application message (RFC 9420, §12.4), so
// that who is to be removed does not read it. Encrypt does not enforce that: who may
// commit is the caller's to say.
func (e *Epoch) Pending(r Records) (int, error) {
	b, err := e.secretTree(r).get(recordProposals)
	if err != nil {
		return 0, fmt.Errorf("pending proposals: %w", err)
	}
	if len(b) != 4 {
		return 0, nil
	}
	return int(binary.BigEndian.Uint32(b)), nil
}

// proposalRef is ProposalRef of RFC 9420, §5.2.
func (s *suite) proposalRef(a *authenticatedContent) []byte {
	return s.refHash("MLS 1.0 Proposal Reference", encoded(a))
}

func (e *Epoch) exportProposal(a *authenticatedContent) *Proposal {
	p := a.content.proposal
	out := &Proposal{
		Reference: e.suite.proposalRef(a), Type: p.typ, Remove: p.remove, Add: p.add,
		AuthenticatedData: bytes.Clone(a.content.authenticatedData),
	}
	if a.content.sender.typ == senderMember {
		m := newMember(a.content.sender.index, e.tree.leaf(a.content.sender.index))
		out.Sender = &m
	}
	return out
}

// keepProposal puts a proposal among the changes, unless it is there already.
func (e *Epoch) keepProposal(r Records, c *recordChanges, reference []byte, a *authenticatedContent, private []byte) error {
	t := e.secretTree(r)
	old, err := t.get(proposalRecord(reference))
	if err != nil || old != nil {
		return err
	}
	b, err := t.get(recordProposals)
	if err != nil {
		return err
	}
	n := uint32(0)
	if len(b) == 4 {
		n = binary.BigEndian.Uint32(b)
	}
	if n >= MaxProposals {
		return ErrTooMany
	}
	c.put(recordProposals, binary.BigEndian.AppendUint32(nil, n+1))
	var w writer
	w.vec(private)
	a.encode(&w)
	c.put(proposalRecord(reference), w.b)
	return nil
}

// loadProposal reads a proposal that was kept.
func (e *Epoch) loadProposal(r Records, reference []byte) (listed, error) {
	if r == nil {
		return listed{}, ErrUnknownProposal
	}
	b, err := e.secretTree(r).get(proposalRecord(reference))
	if err != nil {
		return listed{}, err
	}
	if b == nil {
		return listed{}, ErrUnknownProposal
	}
	d := &reader{b: b}
	private := d.vec()
	a := decodeAuthenticatedContent(d)
	if d.finish() != nil || a.content.proposal == nil {
		return listed{}, fmt.Errorf("proposal: %w", ErrRecords)
	}
	return listed{proposal: a.content.proposal, from: a.content.sender, reference: reference, private: private}, nil
}
