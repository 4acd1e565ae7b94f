package mls

import (
	"fmt"
	"time"
)

// CommitConfig says what a commit is to do.
type CommitConfig struct {
	// Add are the key packages of new members. The caller has checked that
	// their signature keys may speak for their identities.
	Add []*KeyPackage
	// Remove are the leaves of members to be removed.
	Remove []uint32
	// Proposals are references of proposals that were received, or proposed,
	// in this epoch.
	Proposals [][]byte
	// Update gives this member fresh keys also where the rest does not need it.
	// A commit of nothing is an update.
	Update bool
	// Extensions, when not nil, become the GroupContext's.
	Extensions []Extension
	// UsePSKs names pre-shared keys to mix in, PSKs returns them.
	UsePSKs []PSKID
	PSKs    PSKs
	// ReInit ends the group; it excludes all of the above.
	ReInit *ReInit
	// Now is the time that lifetimes are checked against.
	Now time.Time
	// AuthenticatedData goes with the commit in the clear, signed.
	AuthenticatedData []byte
	// Public sends the commit as a PublicMessage, which a server can read. By
	// default it is a PrivateMessage.
	Public bool
	// TreeBeside leaves the tree out of the Welcome: see Staged.RatchetTree. It
	// keeps the Welcome of a large group small; only this implementation reads
	// what lies beside.
	TreeBeside bool
	// NoGREASE leaves out the random reserved values.
	NoGREASE bool
}

// Commit makes a commit, and the Welcome for those it adds (RFC 9420,
// §12.4.1). Unless it is public it takes a key of this member's handshake
// ratchet in r, the records of this epoch, so that no two commits use one key;
// nothing else changes before the caller applies it.
func (e *Epoch) Commit(r Records, cfg CommitConfig) (*Staged, error) {
	s, err := e.commit(r, cfg)
	if err != nil {
		return nil, fmt.Errorf("commit: %w", err)
	}
	return s, nil
}

func (e *Epoch) commit(r Records, cfg CommitConfig) (*Staged, error) {
	if e.closed != nil {
		return nil, ErrClosed
	}
	c, list, err := e.proposals(r, cfg)
	if err != nil {
		return nil, err
	}
	a := e.frame(contentCommit, cfg.AuthenticatedData, cfg.Public)
	a.content.commit = c
	s, err := e.complete(a, list, cfg, e.tree.leaf(e.own))
	if err != nil {
		return nil, err
	}
	if s.message, err = e.protect(r, a); err != nil {
		return nil, err
	}
	return s, nil
}

// CheckAdd reports whether a commit can add somebody by a key package: what Check
// says of it, and what this group asks of a new member (RFC 9420, §12.1.1). Who
// gathers key packages of others checks each, lest one of them spoil the commit.
func (e *Epoch) CheckAdd(kp *KeyPackage, now time.Time) error {
	if err := kp.Check(now); err != nil {
		return fmt.Errorf("add: %w", err)
	}
	from := sender{senderMember, e.own}
	t, err := e.transit(from, []listed{{proposal: &proposal{typ: ProposalAdd, add: kp}, from: from}})
	if err == nil {
		err = t.check(e, nil)
	}
	if err != nil {
		return fmt.Errorf("add: %w", err)
	}
	return nil
}

// proposals makes the list of a commit.
func (e *Epoch) proposals(r Records, cfg CommitConfig) (*commit, []listed, error) {
	c := &commit{}
	for _, ref := range cfg.Proposals {
		c.proposals = append(c.proposals, proposalOrRef{reference: ref})
	}
	value := func(p *proposal) { c.proposals = append(c.proposals, proposalOrRef{proposal: p}) }
	if cfg.Extensions != nil {
		value(&proposal{typ: ProposalGroupContextExtensions, extensions: cloneExtensions(cfg.Extensions)})
	}
	for _, i := range cfg.Remove {
		value(&proposal{typ: ProposalRemove, remove: i})
	}
	for _, kp := range cfg.Add {
		value(&proposal{typ: ProposalAdd, add: kp})
	}
	for _, id := range cfg.UsePSKs {
		value(&proposal{typ: ProposalPSK, psk: id.fresh(e.suite)})
	}
	if cfg.ReInit != nil {
		value(cfg.ReInit.proposal())
	}
	list, err := e.resolve(r, sender{senderMember, e.own}, c)
	if err != nil {
		return nil, nil, err
	}
	for _, p := range list {
		if p.reference == nil {
			if err := p.checkOwn(); err != nil {
				return nil, nil, err
			}
		}
		if p.typ == ProposalAdd {
			if err := p.add.checkLifetime(cfg.Now); err != nil {
				return nil, nil, err
			}
		}
	}
	return c, list, nil
}

// complete applies a commit's list, makes its path where one is needed, and
// signs it. base is our leaf apart from its keys.
func (e *Epoch) complete(a *authenticatedContent, list []listed, cfg CommitConfig, base *leafNode) (*Staged, error) {
	t, err := e.transit(a.content.sender, list)
	if err != nil {
		return nil, err
	}
	c := a.content.commit
	var path *ownPath
	private, secret := carryKeys(e.private, e.tree, t.proposed), e.suite.zeros()
	if t.needsPath || cfg.Update {
		if path, err = t.proposed.newPath(e.own, base, e.signer, e.context.groupID); err != nil {
			return nil, err
		}
		defer path.clear()
		c.path, t.tree, t.steps = path.update, path.tree, path.steps
		private, secret = carryKeys(private, t.proposed, t.tree), path.commit
		for x, key := range path.private {
			private[x] = key
		}
		context := encoded(e.nextContext(t, e.context.transcriptHash))
		if err := path.encrypt(t.proposed, t.addedLeaves(), context); err != nil {
			return nil, err
		}
	}
	if err := t.check(e, c.path); err != nil {
		return nil, err
	}
	if err := a.sign(e.signer, e.encoded); err != nil {
		return nil, err
	}
	next, k, err := e.follow(t, a, secret, cfg.PSKs)
	if err != nil {
		return nil, err
	}
	next.private = private
	a.auth.confirmationTag = next.tag
	s := &Staged{parent: e, next: next, changes: e.changes(a, t, list)}
	return s, s.invite(k, t, path, cfg)
}
