package mls

import (
	"bytes"
	"fmt"
)

// A wireFormat is WireFormat of RFC 9420, §17.2.
type wireFormat uint16

const (
	wirePublicMessage  wireFormat = 1
	wirePrivateMessage wireFormat = 2
	wireWelcome        wireFormat = 3
	wireGroupInfo      wireFormat = 4
	wireKeyPackage     wireFormat = 5
)

// A message is MLSMessage of RFC 9420, §6. Of the fields after the format one
// is set.
type message struct {
	format     wireFormat
	public     *publicMessage
	private    *privateMessage
	welcome    *welcome
	groupInfo  *groupInfo
	keyPackage *KeyPackage
}

func (m *message) encode(w *writer) {
	w.u16(version10)
	w.u16(uint16(m.format))
	switch m.format {
	case wirePublicMessage:
		m.public.encode(w)
	case wirePrivateMessage:
		m.private.encode(w)
	case wireWelcome:
		m.welcome.encode(w)
	case wireGroupInfo:
		m.groupInfo.encode(w)
	case wireKeyPackage:
		m.keyPackage.encode(w)
	}
}

// decodeMessage decodes a copy of b, so that what it returns stays as it is.
func decodeMessage(b []byte) (*message, error) {
	r := &reader{b: bytes.Clone(b)}
	if r.u16() != version10 {
		r.fail()
	}
	m := &message{format: wireFormat(r.u16())}
	switch m.format {
	case wirePublicMessage:
		m.public = decodePublicMessage(r)
	case wirePrivateMessage:
		m.private = decodePrivateMessage(r)
	case wireWelcome:
		m.welcome = decodeWelcome(r)
	case wireGroupInfo:
		m.groupInfo = decodeGroupInfo(r)
	case wireKeyPackage:
		m.keyPackage = decodeKeyPackage(r)
	default:
		r.fail()
	}
	if err := r.finish(); err != nil {
		return nil, err
	}
	return m, nil
}

func decodeMessageOf(b []byte, format wireFormat) (*message, error) {
	m, err := decodeMessage(b)
	if err != nil {
		return nil, err
	}
	if m.format != format {
		return nil, ErrWrongKind
	}
	return m, nil
}

// A MessageKind says what an MLSMessage holds.
type MessageKind int

// The kinds of messages. Application and handshake content of a PrivateMessage
// can be told apart without keys.
const (
	KindPublicMessage MessageKind = iota + 1
	KindPrivateMessage
	KindWelcome
	KindGroupInfo
	KindKeyPackage
)

// MessageInfo is what can be read of a message without keys. Nothing of it has
// been verified.
type MessageInfo struct {
	Kind MessageKind
	// GroupID and Epoch are set for public and private messages and GroupInfo.
	GroupID []byte
	Epoch   uint64
	// Commit and Proposal tell a handshake message; neither means application
	// data when Kind is KindPrivateMessage.
	Commit, Proposal bool
	// AuthenticatedData of a public or private message.
	AuthenticatedData []byte
}

// ParseMessage decodes an MLSMessage and says what it is.
func ParseMessage(b []byte) (MessageInfo, error) {
	m, err := decodeMessage(b)
	if err != nil {
		return MessageInfo{}, fmt.Errorf("parse message: %w", err)
	}
	info := MessageInfo{Kind: MessageKind(m.format)}
	switch m.format {
	case wirePublicMessage:
		c := m.public.content
		info.GroupID, info.Epoch, info.AuthenticatedData = c.groupID, c.epoch, c.authenticatedData
		info.Commit, info.Proposal = c.typ == contentCommit, c.typ == contentProposal
	case wirePrivateMessage:
		p := m.private
		info.GroupID, info.Epoch, info.AuthenticatedData = p.groupID, p.epoch, p.authenticatedData
		info.Commit, info.Proposal = p.typ == contentCommit, p.typ == contentProposal
	case wireGroupInfo:
		info.GroupID, info.Epoch = m.groupInfo.context.groupID, m.groupInfo.context.epoch
	}
	return info, nil
}
