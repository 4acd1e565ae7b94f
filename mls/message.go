package mls

import (
	"bytes"
	"fmt"
)

// A WireFormat is WireFormat of RFC 9420, §17.2: what an MLSMessage holds.
type WireFormat uint16

// The wire formats.
const (
	WirePublicMessage  WireFormat = 1
	WirePrivateMessage WireFormat = 2
	WireWelcome        WireFormat = 3
	WireGroupInfo      WireFormat = 4
	WireKeyPackage     WireFormat = 5
)

// A message is MLSMessage of RFC 9420, §6. Of the fields after the format one
// is set.
type message struct {
	format     WireFormat
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
	case WirePublicMessage:
		m.public.encode(w)
	case WirePrivateMessage:
		m.private.encode(w)
	case WireWelcome:
		m.welcome.encode(w)
	case WireGroupInfo:
		m.groupInfo.encode(w)
	case WireKeyPackage:
		m.keyPackage.encode(w)
	}
}

// decodeMessage decodes a copy of b, so that what it returns stays as it is.
func decodeMessage(b []byte) (*message, error) {
	r := &reader{b: bytes.Clone(b)}
	if r.u16() != version10 {
		r.fail()
	}
	m := &message{format: WireFormat(r.u16())}
	switch m.format {
	case WirePublicMessage:
		m.public = decodePublicMessage(r)
	case WirePrivateMessage:
		m.private = decodePrivateMessage(r)
	case WireWelcome:
		m.welcome = decodeWelcome(r)
	case WireGroupInfo:
		m.groupInfo = decodeGroupInfo(r)
	case WireKeyPackage:
		m.keyPackage = decodeKeyPackage(r)
	default:
		r.fail()
	}
	if err := r.finish(); err != nil {
		return nil, err
	}
	return m, nil
}

func decodeMessageOf(b []byte, format WireFormat) (*message, error) {
	m, err := decodeMessage(b)
	if err != nil {
		return nil, err
	}
	if m.format != format {
		return nil, ErrWrongKind
	}
	return m, nil
}

// MessageInfo is what can be read of a message without keys. Nothing of it has
// been verified.
type MessageInfo struct {
	WireFormat WireFormat
	// GroupID and Epoch are set for public and private messages and GroupInfo.
	GroupID []byte
	Epoch   uint64
	// Commit and Proposal tell a handshake message. A private message that is neither
	// holds application data.
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
	info := MessageInfo{WireFormat: m.format}
	switch m.format {
	case WirePublicMessage:
		c := m.public.content
		info.GroupID, info.Epoch, info.AuthenticatedData = c.groupID, c.epoch, c.authenticatedData
		info.Commit, info.Proposal = c.typ == contentCommit, c.typ == contentProposal
	case WirePrivateMessage:
		p := m.private
		info.GroupID, info.Epoch, info.AuthenticatedData = p.groupID, p.epoch, p.authenticatedData
		info.Commit, info.Proposal = p.typ == contentCommit, p.typ == contentProposal
	case WireGroupInfo:
		info.GroupID, info.Epoch = m.groupInfo.context.groupID, m.groupInfo.context.epoch
	}
	return info, nil
}
