package mls

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"fmt"
	"hash"
)

// A Signer holds a member's signature key. Sign gets the SignContent of RFC
// 9420, §5.1.2, whose first bytes are a label that begins with "MLS 1.0 ", and
// returns the signature in the encoding of the suite: 64 bytes for Ed25519, DER
// for ECDSA (which hashes with the suite's hash).
type Signer interface {
	// Public returns the public key as a leaf carries it.
	Public() []byte
	Sign(message []byte) ([]byte, error)
}

// A scheme verifies signatures and checks the form of public keys.
type scheme interface {
	checkKey(public []byte) error
	verify(public, message, sig []byte) bool
}

type ed25519Scheme struct{}

func (ed25519Scheme) checkKey(public []byte) error {
	if len(public) != ed25519.PublicKeySize {
		return errMalformed
	}
	return nil
}

func (ed25519Scheme) verify(public, message, sig []byte) bool {
	return len(public) == ed25519.PublicKeySize && ed25519.Verify(public, message, sig)
}

type ecdsaScheme struct {
	curve elliptic.Curve
	hash  func() hash.Hash
}

func (e ecdsaScheme) checkKey(public []byte) error {
	if _, err := ecdsa.ParseUncompressedPublicKey(e.curve, public); err != nil {
		return errMalformed
	}
	return nil
}

func (e ecdsaScheme) verify(public, message, sig []byte) bool {
	key, err := ecdsa.ParseUncompressedPublicKey(e.curve, public)
	if err != nil {
		return false
	}
	h := e.hash()
	h.Write(message)
	return ecdsa.VerifyASN1(key, h.Sum(nil), sig)
}

// signContent is SignContent of RFC 9420, §5.1.2.
func signContent(label string, content []byte) []byte {
	w := writer{b: make([]byte, 0, 32+len(label)+len(content))}
	w.str(labelPrefix + label)
	w.vec(content)
	return w.b
}

func signWithLabel(signer Signer, label string, content []byte) ([]byte, error) {
	sig, err := signer.Sign(signContent(label, content))
	if err != nil {
		return nil, fmt.Errorf("sign %s: %w", label, err)
	}
	return sig, nil
}

func (s *suite) verifyWithLabel(public []byte, label string, content, sig []byte) error {
	if !s.signature.verify(public, signContent(label, content), sig) {
		return fmt.Errorf("%s: %w", label, ErrSignature)
	}
	return nil
}
