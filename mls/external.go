package mls

import (
	"bytes"
	"fmt"
)

// externalInitLabel is what an external init secret is exported under (RFC
// 9420, §8.3).
const externalInitLabel = "MLS 1.0 external init secret"

// GroupInfo returns a signed GroupInfo, an MLSMessage, with which somebody can
// make an external commit (RFC 9420, §12.4.3.2). Whoever has it sees all
// members. withTree puts the tree in it; else RatchetTree goes beside.
func (e *Epoch) GroupInfo(withTree bool) ([]byte, error) {
	if e.closed != nil {
		return nil, fmt.Errorf("group info: %w", ErrClosed)
	}
	private, public, err := e.suite.hpke.derive(e.secrets.external)
	if err != nil {
		return nil, fmt.Errorf("group info: %w", err)
	}
	private.clear()
	w := writer{}
	w.vec(public)
	info := &groupInfo{
		context: e.context, confirmationTag: e.tag, signer: e.own,
		extensions: []Extension{{ExtensionExternalPub, w.b}},
	}
	if withTree {
		info.extensions = append(info.extensions, Extension{ExtensionRatchetTree, encoded(e.tree)})
	}
	if err := info.sign(e.signer); err != nil {
		return nil, fmt.Errorf("group info: %w", err)
	}
	return encoded(&message{format: WireGroupInfo, groupInfo: info}), nil
}

// RatchetTree returns the encoded ratchet tree (RFC 9420, §12.4.3.3).
func (e *Epoch) RatchetTree() []byte { return encoded(e.tree) }

// ExternalConfig is what it takes to enter a group by an external commit.
type ExternalConfig struct {
	// GroupInfo is an MLSMessage, RatchetTree the tree when it is not in it.
	GroupInfo   []byte
	RatchetTree []byte
	// Signer, Identity, Capabilities and LeafExtensions make our leaf, as in
	// GroupConfig.
	Signer         Signer
	Identity       []byte
	Capabilities   Capabilities
	LeafExtensions []Extension
	// UsePSKs names pre-shared keys to mix in, PSKs returns them.
	UsePSKs []PSKID
	PSKs    PSKs
	// AuthenticatedData goes with the commit in the clear, signed.
	AuthenticatedData []byte
	// AnyLifetime lets in leaves of key packages whose lifetime is longer than
	// MaxLifetime, in groups with programs that know no such bound (RFC 9420, §7.2).
	AnyLifetime bool
	// NoGREASE leaves out the random reserved values.
	NoGREASE bool
}

// External makes an external commit (RFC 9420, §12.4.3.2), a PublicMessage. A
// leaf with our identity and our signature key, if there is one, is removed by
// it. The caller has looked at the group through ParseGroupInfo; Apply needs no
// records.
func External(cfg ExternalConfig) (*Staged, error) {
	s, err := external(cfg)
	if err != nil {
		return nil, fmt.Errorf("external commit: %w", err)
	}
	return s, nil
}

func external(cfg ExternalConfig) (*Staged, error) {
	base, err := newLeaf(cfg.Signer, cfg.Identity, cfg.Capabilities, cfg.LeafExtensions, !cfg.NoGREASE)
	if err != nil {
		return nil, err
	}
	e, kemOutput, err := outsideView(cfg)
	if err != nil {
		return nil, err
	}
	c := &commit{proposals: []proposalOrRef{{proposal: &proposal{typ: ProposalExternalInit, externalInit: kemOutput}}}}
	for i, l := range e.tree.members() {
		if bytes.Equal(l.credential.identity, cfg.Identity) && bytes.Equal(l.signatureKey, cfg.Signer.Public()) {
			c.proposals = append(c.proposals, proposalOrRef{proposal: &proposal{typ: ProposalRemove, remove: i}})
		}
	}
	for _, id := range cfg.UsePSKs {
		c.proposals = append(c.proposals, proposalOrRef{proposal: &proposal{typ: ProposalPSK, psk: id.fresh(e.suite)}})
	}
	a := e.frame(contentCommit, cfg.AuthenticatedData, true)
	a.content.sender = sender{typ: senderNewMemberCommit}
	a.content.commit = c
	list, err := e.resolve(nil, a.content.sender, c)
	if err != nil {
		return nil, err
	}
	t, err := e.transit(a.content.sender, list)
	if err != nil {
		return nil, err
	}
	e.own = t.committer
	s, err := e.complete(a, list, CommitConfig{PSKs: cfg.PSKs}, base)
	if err != nil {
		return nil, err
	}
	if err := c.path.leaf.check(e.suite, e.context.groupID, e.own); err != nil {
		return nil, err
	}
	s.message, err = e.protect(nil, a)
	return s, err
}

// outsideView checks a GroupInfo and returns its epoch as somebody sees it who
// is not in it: of the secrets there is only the init secret of the external
// commit, whose KEM output comes with it.
func outsideView(cfg ExternalConfig) (*Epoch, []byte, error) {
	m, err := decodeMessageOf(cfg.GroupInfo, WireGroupInfo)
	if err != nil {
		return nil, nil, err
	}
	info := m.groupInfo
	s, err := info.context.suite.lookup()
	if err != nil {
		return nil, nil, err
	}
	t, err := info.checkedTree(s, cfg.RatchetTree, 0, cfg.AnyLifetime)
	if err != nil {
		return nil, nil, err
	}
	data, _ := findExtension(info.extensions, ExtensionExternalPub)
	r := &reader{b: data}
	public := r.key()
	if err := r.finish(); err != nil {
		return nil, nil, fmt.Errorf("external_pub: %w", err)
	}
	kemOutput, init, err := s.hpke.sendExport(public, externalInitLabel, s.size)
	if err != nil {
		return nil, nil, err
	}
	e := &Epoch{
		suite: s, signer: cfg.Signer, context: info.context, encoded: encoded(info.context), tree: t,
		tag: info.confirmationTag, interim: s.interimTranscript(info.context.transcriptHash, info.confirmationTag),
		secrets: epochSecrets{init: init}, outside: true,
	}
	return e, kemOutput, nil
}

// ParseGroupInfo checks a GroupInfo and its tree, as an external commit would
// (RFC 9420, §12.4.3.1), and returns the members and the extensions of the group.
// That the signer is a member of a group of that name is all it proves. It looks at no
// lifetime.
func ParseGroupInfo(groupInfo, ratchetTree []byte) ([]Member, []Extension, error) {
	m, err := decodeMessageOf(groupInfo, WireGroupInfo)
	if err != nil {
		return nil, nil, fmt.Errorf("group info: %w", err)
	}
	s, err := m.groupInfo.context.suite.lookup()
	if err != nil {
		return nil, nil, fmt.Errorf("group info: %w", err)
	}
	t, err := m.groupInfo.checkedTree(s, ratchetTree, 0, true)
	if err != nil {
		return nil, nil, fmt.Errorf("group info: %w", err)
	}
	var list []Member
	for i, l := range t.members() {
		list = append(list, newMember(i, l))
	}
	return list, cloneExtensions(m.groupInfo.context.extensions), nil
}
