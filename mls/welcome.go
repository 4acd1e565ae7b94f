package mls

import (
	"bytes"
	"fmt"
)

// A welcome is Welcome of RFC 9420, §12.4.3.1.
type welcome struct {
	suite     Suite
	secrets   []encryptedGroupSecrets
	groupInfo []byte // encrypted_group_info
}

type encryptedGroupSecrets struct {
	newMember []byte // KeyPackageRef
	secrets   hpkeCiphertext
}

func (m *welcome) encode(w *writer) {
	size := 16 + len(m.groupInfo)
	for _, s := range m.secrets {
		size += 4 + len(s.newMember) + s.secrets.size()
	}
	w.room(size)
	w.u16(uint16(m.suite))
	w.nested(func(w *writer) {
		for _, s := range m.secrets {
			w.vec(s.newMember)
			s.secrets.encode(w)
		}
	})
	w.vec(m.groupInfo)
}

func decodeWelcome(r *reader) *welcome {
	m := &welcome{suite: Suite(r.u16())}
	sub := r.sub()
	for sub.more() {
		m.secrets = append(m.secrets, encryptedGroupSecrets{sub.key(), decodeHPKECiphertext(sub)})
	}
	r.end(sub)
	m.groupInfo = r.vec()
	return m
}

// groupSecrets is GroupSecrets of RFC 9420, §12.4.3.1.
type groupSecrets struct {
	joiner     []byte
	pathSecret []byte // nil when the commit had no path
	psks       []*pskID
}

// encode makes room first: what growing leaves behind would not be wiped.
func (g *groupSecrets) encode(w *writer) {
	size := 16 + len(g.joiner) + len(g.pathSecret)
	for _, p := range g.psks {
		size += 32 + len(p.id) + len(p.groupID) + len(p.nonce)
	}
	w.room(size)
	w.vec(g.joiner)
	w.optional(g.pathSecret != nil)
	if g.pathSecret != nil {
		w.vec(g.pathSecret)
	}
	w.nested(func(w *writer) {
		for _, p := range g.psks {
			p.encode(w)
		}
	})
}

func decodeGroupSecrets(r *reader) *groupSecrets {
	g := &groupSecrets{joiner: r.key()}
	if r.optional() {
		g.pathSecret = r.key()
	}
	sub := r.sub()
	for sub.more() {
		g.psks = append(g.psks, decodePSKID(sub))
	}
	r.end(sub)
	return g
}

// entry returns the secrets that are for a key package.
func (m *welcome) entry(ref []byte) (hpkeCiphertext, error) {
	for _, s := range m.secrets {
		if bytes.Equal(s.newMember, ref) {
			return s.secrets, nil
		}
	}
	return hpkeCiphertext{}, ErrNotForUs
}

// openSecrets decrypts the group secrets that are for a key package.
func (m *welcome) openSecrets(s *suite, ref []byte, private *privateKey) (*groupSecrets, error) {
	c, err := m.entry(ref)
	if err != nil {
		return nil, err
	}
	b, err := s.decryptWithLabel(private, "Welcome", m.groupInfo, c)
	if err != nil {
		return nil, fmt.Errorf("group secrets: %w", err)
	}
	r := &reader{b: b}
	g := decodeGroupSecrets(r)
	if r.finish() != nil {
		return nil, fmt.Errorf("group secrets: %w", ErrDecrypt)
	}
	return g, nil
}

// openGroupInfo decrypts the GroupInfo.
func (m *welcome) openGroupInfo(s *suite, joiner, psk []byte) (*groupInfo, error) {
	member := s.memberSecret(joiner, psk)
	defer clear(member)
	secret, err := s.deriveSecret(member, "welcome")
	if err != nil {
		return nil, err
	}
	defer clear(secret)
	key, nonce, err := s.welcomeKey(secret)
	if err != nil {
		return nil, err
	}
	b, err := s.open(key, nonce, nil, m.groupInfo)
	if err != nil {
		return nil, fmt.Errorf("group info: %w", err)
	}
	r := &reader{b: b}
	g := decodeGroupInfo(r)
	if r.finish() != nil {
		return nil, fmt.Errorf("group info: %w", ErrDecrypt)
	}
	return g, nil
}

// WelcomeRefs returns the references of the key packages that a Welcome, an
// MLSMessage, is for.
func WelcomeRefs(message []byte) ([][]byte, error) {
	m, err := decodeMessageOf(message, WireWelcome)
	if err != nil {
		return nil, fmt.Errorf("welcome: %w", err)
	}
	refs := make([][]byte, len(m.welcome.secrets))
	for i, s := range m.welcome.secrets {
		refs[i] = s.newMember
	}
	return refs, nil
}
