package mls

import (
	"bytes"
	"fmt"
	"time"
)

// CommitConfig says what a commit is to do.
type CommitConfig struct {
	// Add are the key packages of new members. The caller has checked that
	// their signature keys may speak for their identities.
	Add []*KeyPackage
	// Now is the time that lifetimes are checked against.
	Now time.Time
	// AuthenticatedData goes with the commit in the clear, signed.
	AuthenticatedData []byte
	// Public sends the commit as a PublicMessage, which a server can read. By
	// default it is a PrivateMessage.
	Public bool
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
	if len(cfg.Add) == 0 {
		return nil, fmt.Errorf("without an add, a path is needed: %w", ErrUnsupported)
	}
	c := &commit{}
	var list []*proposal
	for _, kp := range cfg.Add {
		if err := kp.Check(cfg.Now); err != nil {
			return nil, err
		}
		p := &proposal{typ: proposalAdd, add: kp}
		list = append(list, p)
		c.proposals = append(c.proposals, proposalOrRef{proposal: p})
	}
	t, err := e.transit(list)
	if err != nil {
		return nil, err
	}
	a, err := e.signCommit(c, cfg)
	if err != nil {
		return nil, err
	}
	next, k, err := e.follow(t, a)
	if err != nil {
		return nil, err
	}
	a.auth.confirmationTag = next.tag
	s := &Staged{parent: e, next: next}
	s.changes = e.changes(a, t)
	if s.welcome, err = next.welcome(k, t.added, !cfg.NoGREASE); err != nil {
		return nil, err
	}
	if s.message, err = e.protectCommit(r, a); err != nil {
		return nil, err
	}
	return s, nil
}

// signCommit frames a commit and signs it in this epoch.
func (e *Epoch) signCommit(c *commit, cfg CommitConfig) (*authenticatedContent, error) {
	a := &authenticatedContent{wireFormat: wirePrivateMessage, content: &framedContent{
		groupID:           e.context.groupID,
		epoch:             e.context.epoch,
		sender:            sender{senderMember, e.own},
		authenticatedData: bytes.Clone(cfg.AuthenticatedData),
		typ:               contentCommit,
		commit:            c,
	}}
	if cfg.Public {
		a.wireFormat = wirePublicMessage
	}
	return a, a.sign(e.signer, e.encoded)
}

// protectCommit encodes a complete commit as it is sent.
func (e *Epoch) protectCommit(r Records, a *authenticatedContent) ([]byte, error) {
	if a.wireFormat == wirePrivateMessage {
		return e.sealPrivate(r, a)
	}
	p, err := e.suite.protectPublic(a, e.secrets.membership, e.encoded)
	if err != nil {
		return nil, err
	}
	return encoded(&message{format: wirePublicMessage, public: p}), nil
}

// welcome makes the Welcome of a new epoch: one sealed GroupInfo with the tree,
// and for each new member the joiner secret.
func (e *Epoch) welcome(k *keySchedule, added []addition, grease bool) ([]byte, error) {
	defer clear(k.joiner)
	defer clear(k.welcome)
	info := &groupInfo{
		context:         e.context,
		extensions:      []Extension{{ExtensionRatchetTree, encoded(e.tree)}},
		confirmationTag: e.tag,
		signer:          e.own,
	}
	if grease {
		info.extensions = append(info.extensions, greaseExtension())
	}
	if err := info.sign(e.signer); err != nil {
		return nil, err
	}
	key, nonce, err := e.suite.welcomeKey(k.welcome)
	if err != nil {
		return nil, err
	}
	m := &welcome{suite: e.suite.id}
	if m.groupInfo, err = e.suite.seal(key, nonce, nil, encoded(info)); err != nil {
		return nil, err
	}
	secrets := encoded(&groupSecrets{joiner: k.joiner})
	defer clear(secrets)
	for _, a := range added {
		c, err := e.suite.encryptWithLabel(a.keyPackage.initKey, "Welcome", m.groupInfo, secrets)
		if err != nil {
			return nil, err
		}
		m.secrets = append(m.secrets, encryptedGroupSecrets{a.keyPackage.Ref(), c})
	}
	return encoded(&message{format: wireWelcome, welcome: m}), nil
}
