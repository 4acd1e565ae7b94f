package mls

import (
	"bytes"
	"fmt"
)

// openHandshake decrypts or checks a handshake message of another and verifies
// its signature. opened says which key a private one used.
func (e *Epoch) openHandshake(r Records, msg []byte) (*authenticatedContent, *senderData, error) {
	m, err := decodeMessage(msg)
	if err != nil {
		return nil, nil, err
	}
	switch m.format {
	case WirePublicMessage:
		a, err := e.openPublic(m.public)
		return a, nil, err
	case WirePrivateMessage:
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

// openPublic checks a PublicMessage: membership tag and signature.
func (e *Epoch) openPublic(m *publicMessage) (*authenticatedContent, error) {
	if err := e.expects(m.content.groupID, m.content.epoch); err != nil {
		return nil, err
	}
	a, err := e.suite.unprotectPublic(m, e.secrets.membership, e.encoded)
	if err != nil {
		return nil, err
	}
	key, err := e.senderKey(a.content)
	if err != nil {
		return nil, err
	}
	return a, a.verify(e.suite, key, e.encoded)
}

// senderKey returns the key that the sender of a PublicMessage signs with (RFC
// 9420, §6.1).
func (e *Epoch) senderKey(c *framedContent) ([]byte, error) {
	switch c.sender.typ {
	case senderMember:
		if c.sender.index == e.own {
			return nil, ErrOwnMessage
		}
		if l := e.tree.leaf(c.sender.index); l != nil {
			return l.signatureKey, nil
		}
	case senderExternal:
		return e.externalSender(c)
	case senderNewMemberProposal:
		if c.proposal != nil && c.proposal.typ == ProposalAdd {
			return c.proposal.add.leaf.signatureKey, nil
		}
	case senderNewMemberCommit:
		if c.commit != nil && c.commit.path != nil {
			return c.commit.path.leaf.signatureKey, nil
		}
	}
	return nil, fmt.Errorf("sender is no member: %w", ErrInvalid)
}

// externalSender returns the key of an external sender and checks that it may
// propose this (RFC 9420, §12.1.8).
func (e *Epoch) externalSender(c *framedContent) ([]byte, error) {
	if c.proposal == nil || c.proposal.typ == ProposalUpdate || c.proposal.typ == ProposalExternalInit {
		return nil, fmt.Errorf("content of an external sender: %w", ErrInvalid)
	}
	data, _ := findExtension(e.context.extensions, ExtensionExternalSenders)
	r := &reader{b: data}
	list := r.sub()
	for i := uint32(0); list.more(); i++ {
		key, cred := list.key(), decodeCredential(list)
		if list.err == nil && i == c.sender.index && cred.typ == credentialBasic {
			return key, nil
		}
	}
	return nil, fmt.Errorf("no such external sender: %w", ErrInvalid)
}

// frame begins a handshake message of ours.
func (e *Epoch) frame(typ contentType, authenticatedData []byte, public bool) *authenticatedContent {
	a := &authenticatedContent{wireFormat: WirePrivateMessage, content: &framedContent{
		groupID:           e.context.groupID,
		epoch:             e.context.epoch,
		sender:            sender{senderMember, e.own},
		authenticatedData: bytes.Clone(authenticatedData),
		typ:               typ,
	}}
	if public {
		a.wireFormat = WirePublicMessage
	}
	return a
}

// protect encodes a complete handshake message as it is sent.
func (e *Epoch) protect(r Records, a *authenticatedContent) ([]byte, error) {
	if a.wireFormat == WirePrivateMessage {
		return e.sealPrivate(r, a)
	}
	p, err := e.suite.protectPublic(a, e.secrets.membership, e.encoded)
	if err != nil {
		return nil, err
	}
	return encoded(&message{format: WirePublicMessage, public: p}), nil
}
