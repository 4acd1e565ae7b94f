package mls

import (
	"encoding/binary"
	"fmt"
)

// A privateMessage is PrivateMessage of RFC 9420, §6.3: signed and encrypted.
type privateMessage struct {
	groupID           []byte
	epoch             uint64
	typ               contentType
	authenticatedData []byte
	senderData        []byte // encrypted_sender_data
	ciphertext        []byte
}

func (m *privateMessage) encode(w *writer) {
	w.vec(m.groupID)
	w.u64(m.epoch)
	w.u8(uint8(m.typ))
	w.vec(m.authenticatedData)
	w.vec(m.senderData)
	w.vec(m.ciphertext)
}

func decodePrivateMessage(r *reader) *privateMessage {
	m := &privateMessage{
		groupID:           r.vec(),
		epoch:             r.u64(),
		typ:               contentType(r.u8()),
		authenticatedData: r.vec(),
		senderData:        r.vec(),
		ciphertext:        r.vec(),
	}
	if m.typ < contentApplication || m.typ > contentCommit {
		r.fail()
	}
	return m
}

// contentAAD is PrivateContentAAD of RFC 9420, §6.3.1.
func (m *privateMessage) contentAAD() []byte {
	w := writer{b: m.senderDataAAD()}
	w.vec(m.authenticatedData)
	return w.b
}

// senderDataAAD is SenderDataAAD of RFC 9420, §6.3.2.
func (m *privateMessage) senderDataAAD() []byte {
	w := writer{b: make([]byte, 0, 64+len(m.authenticatedData))}
	w.vec(m.groupID)
	w.u64(m.epoch)
	w.u8(uint8(m.typ))
	return w.b
}

// A senderData is SenderData of RFC 9420, §6.3.2.
type senderData struct {
	leaf       uint32
	generation uint32
	reuseGuard [4]byte
}

const senderDataSize = 12

// A messageKey is one step of a ratchet: good for one message.
type messageKey struct {
	key   []byte
	nonce []byte
}

// guarded returns the nonce with the reuse guard applied (RFC 9420, §6.3.1).
func (k messageKey) guarded(guard [4]byte) []byte {
	nonce := append([]byte(nil), k.nonce...)
	for i, b := range guard {
		nonce[i] ^= b
	}
	return nonce
}

func (k messageKey) clear() {
	clear(k.key)
	clear(k.nonce)
}

// senderDataKey derives key and nonce of the sender data from a sample of the
// ciphertext (RFC 9420, §6.3.2).
func (s *suite) senderDataKey(secret, ciphertext []byte) (messageKey, error) {
	sample := ciphertext[:min(len(ciphertext), s.size)]
	key, err := s.expandWithLabel(secret, "key", sample, s.keySize)
	if err != nil {
		return messageKey{}, err
	}
	nonce, err := s.expandWithLabel(secret, "nonce", sample, s.nonceSize)
	return messageKey{key, nonce}, err
}

// protectPrivate encrypts signed content with a message key of the sender's
// ratchet, without padding.
func (s *suite) protectPrivate(a *authenticatedContent, secret []byte, k messageKey, generation uint32) (*privateMessage, error) {
	m := &privateMessage{
		groupID:           a.content.groupID,
		epoch:             a.content.epoch,
		typ:               a.content.typ,
		authenticatedData: a.content.authenticatedData,
	}
	d := senderData{leaf: a.content.sender.index, generation: generation}
	copy(d.reuseGuard[:], random(len(d.reuseGuard)))
	w := writer{b: make([]byte, 0, 128+len(a.content.application))}
	a.content.encodeBody(&w)
	a.auth.encode(&w, a.content.typ)
	var err error
	if m.ciphertext, err = s.seal(k.key, k.guarded(d.reuseGuard), m.contentAAD(), w.b); err != nil {
		return nil, fmt.Errorf("encrypt: %w", err)
	}
	if m.senderData, err = s.sealSenderData(m, secret, d); err != nil {
		return nil, fmt.Errorf("encrypt sender data: %w", err)
	}
	return m, nil
}

func (s *suite) sealSenderData(m *privateMessage, secret []byte, d senderData) ([]byte, error) {
	k, err := s.senderDataKey(secret, m.ciphertext)
	if err != nil {
		return nil, err
	}
	var w writer
	w.u32(d.leaf)
	w.u32(d.generation)
	w.raw(d.reuseGuard[:])
	return s.seal(k.key, k.nonce, m.senderDataAAD(), w.b)
}

// openSenderData decrypts who sent a message, and with which key.
func (s *suite) openSenderData(m *privateMessage, secret []byte) (senderData, error) {
	k, err := s.senderDataKey(secret, m.ciphertext)
	if err != nil {
		return senderData{}, err
	}
	b, err := s.open(k.key, k.nonce, m.senderDataAAD(), m.senderData)
	if err != nil {
		return senderData{}, fmt.Errorf("sender data: %w", err)
	}
	if len(b) != senderDataSize {
		return senderData{}, fmt.Errorf("sender data: %w", ErrDecrypt)
	}
	d := senderData{leaf: binary.BigEndian.Uint32(b), generation: binary.BigEndian.Uint32(b[4:])}
	copy(d.reuseGuard[:], b[8:])
	return d, nil
}

// unprotectPrivate decrypts a message. The signature is checked after it, by
// the caller who knows the sender's key.
func (s *suite) unprotectPrivate(m *privateMessage, d senderData, k messageKey) (*authenticatedContent, error) {
	b, err := s.open(k.key, k.guarded(d.reuseGuard), m.contentAAD(), m.ciphertext)
	if err != nil {
		return nil, err
	}
	a := &authenticatedContent{wireFormat: WirePrivateMessage, content: &framedContent{
		groupID:           m.groupID,
		epoch:             m.epoch,
		sender:            sender{senderMember, d.leaf},
		authenticatedData: m.authenticatedData,
		typ:               m.typ,
	}}
	r := &reader{b: b}
	a.content.decodeBody(r)
	a.auth = decodeAuthData(r, m.typ)
	if r.err != nil || !allZero(r.b) {
		return nil, fmt.Errorf("contents: %w", ErrDecrypt)
	}
	return a, nil
}

// allZero reports whether padding is as it must be (RFC 9420, §6.3.1).
func allZero(b []byte) bool {
	for _, v := range b {
		if v != 0 {
			return false
		}
	}
	return true
}
