package mls

import (
	"crypto/hmac"
	"fmt"
)

// A publicMessage is PublicMessage of RFC 9420, §6.2: signed, not encrypted.
type publicMessage struct {
	content       *framedContent
	auth          authData
	membershipTag []byte // of members
}

func (m *publicMessage) encode(w *writer) {
	m.content.encode(w)
	m.auth.encode(w, m.content.typ)
	if m.content.sender.typ == senderMember {
		w.vec(m.membershipTag)
	}
}

func decodePublicMessage(r *reader) *publicMessage {
	m := &publicMessage{content: decodeFramedContent(r)}
	m.auth = decodeAuthData(r, m.content.typ)
	if m.content.sender.typ == senderMember {
		m.membershipTag = r.vec()
	}
	return m
}

// authenticated returns the content as it is signed.
func (m *publicMessage) authenticated() *authenticatedContent {
	return &authenticatedContent{WirePublicMessage, m.content, m.auth}
}

// membershipMAC is the tag over AuthenticatedContentTBM (RFC 9420, §6.2).
func (s *suite) membershipMAC(key []byte, a *authenticatedContent, context []byte) []byte {
	w := writer{b: a.tbs(context)}
	a.auth.encode(&w, a.content.typ)
	return s.mac(key, w.b)
}

// protectPublic frames signed content as a PublicMessage. Application data is
// never sent that way (RFC 9420, §6).
func (s *suite) protectPublic(a *authenticatedContent, membership, context []byte) (*publicMessage, error) {
	if a.content.typ == contentApplication {
		return nil, fmt.Errorf("application data as a public message: %w", ErrInvalid)
	}
	m := &publicMessage{content: a.content, auth: a.auth}
	if a.content.sender.typ == senderMember {
		m.membershipTag = s.membershipMAC(membership, a, context)
	}
	return m, nil
}

// unprotectPublic checks the membership tag. The signature is checked after it,
// by the caller who knows the sender's key.
func (s *suite) unprotectPublic(m *publicMessage, membership, context []byte) (*authenticatedContent, error) {
	a := m.authenticated()
	if a.content.typ == contentApplication {
		return nil, fmt.Errorf("application data as a public message: %w", ErrInvalid)
	}
	if a.content.sender.typ == senderMember &&
		!hmac.Equal(m.membershipTag, s.membershipMAC(membership, a, context)) {
		return nil, fmt.Errorf("membership tag: %w", ErrDecrypt)
	}
	return a, nil
}
