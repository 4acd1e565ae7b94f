package mls

import (
	"crypto/hpke"
	"crypto/sha3"
	"fmt"
	"sync/atomic"
)

// An hpkeCiphertext is HPKECiphertext of RFC 9420, §7.6.
type hpkeCiphertext struct {
	kemOutput  []byte
	ciphertext []byte
}

// size is at least the length of the encoding.
func (c hpkeCiphertext) size() int { return 8 + len(c.kemOutput) + len(c.ciphertext) }

func (c hpkeCiphertext) encode(w *writer) {
	w.vec(c.kemOutput)
	w.vec(c.ciphertext)
}

func decodeHPKECiphertext(r *reader) hpkeCiphertext {
	return hpkeCiphertext{kemOutput: r.key(), ciphertext: r.key()}
}

// A publicKeyScheme is the HPKE of a suite: KEM, KDF and AEAD together. Keys
// are in the encodings of RFC 9180. Errors say nothing of what went wrong.
type publicKeyScheme interface {
	// generate makes a fresh key pair.
	generate() (private *privateKey, public []byte, err error)
	// derive is KEM.DeriveKeyPair.
	derive(secret []byte) (private *privateKey, public []byte, err error)
	// public returns the public half of a private key.
	public(private *privateKey) ([]byte, error)
	// check refuses bytes that are no public key.
	check(public []byte) error
	seal(public, info, plaintext []byte) (hpkeCiphertext, error)
	open(private *privateKey, info []byte, c hpkeCiphertext) ([]byte, error)
	// sendExport encapsulates to a key and exports n bytes, receiveExport
	// exports the same; info is empty.
	sendExport(public []byte, label string, n int) (kemOutput, secret []byte, err error)
	receiveExport(private *privateKey, kemOutput []byte, label string, n int) ([]byte, error)
}

// A privateKey is a private key in its encoding. It keeps what parsing it gives:
// that takes as long as the KEM itself.
type privateKey struct {
	raw    []byte
	parsed atomic.Value // of the type that the scheme has
}

func (k *privateKey) clear() { clear(k.raw) }

func encryptContext(label string, context []byte) []byte {
	w := writer{b: make([]byte, 0, 32+len(label)+len(context))}
	w.str(labelPrefix + label)
	w.vec(context)
	return w.b
}

// encryptWithLabel is EncryptWithLabel of RFC 9420, §5.1.3.
func (s *suite) encryptWithLabel(public []byte, label string, context, plaintext []byte) (hpkeCiphertext, error) {
	return s.hpke.seal(public, encryptContext(label, context), plaintext)
}

// decryptWithLabel is DecryptWithLabel of RFC 9420, §5.1.3.
func (s *suite) decryptWithLabel(private *privateKey, label string, context []byte, c hpkeCiphertext) ([]byte, error) {
	return s.hpke.open(private, encryptContext(label, context), c)
}

// checkEncryptionKey refuses bytes that are no public key of the suite's KEM.
func (s *suite) checkEncryptionKey(public []byte) error {
	if err := s.hpke.check(public); err != nil {
		return fmt.Errorf("encryption key: %w", err)
	}
	return nil
}

// stdHPKE is the standard library's HPKE.
type stdHPKE struct {
	kem  hpke.KEM
	kdf  hpke.KDF
	aead hpke.AEAD
	// x25519 says that public keys are or end with X25519 keys.
	x25519 bool
}

func (h stdHPKE) generate() (private *privateKey, public []byte, err error) {
	key, err := h.kem.GenerateKey()
	if err != nil {
		return nil, nil, fmt.Errorf("generate key: %w", err)
	}
	return keyPair(key)
}

func (h stdHPKE) derive(secret []byte) (private *privateKey, public []byte, err error) {
	key, err := h.kem.DeriveKeyPair(secret)
	if err != nil {
		return nil, nil, errPrivateKey
	}
	return keyPair(key)
}

// xWing is the standard library's HPKE with X-Wing, but DeriveKeyPair is that of
// draft-connolly-cfrg-xwing-kem, §5.8: what OpenMLS 0.9 does in this suite. The
// standard library's is of draft-ietf-hpke-pq. Only keys that members derive for
// each other, on paths and for external joins, tell the difference.
type xWing struct{ stdHPKE }

func (h xWing) derive(secret []byte) (*privateKey, []byte, error) {
	seed := sha3.SumSHAKE256(secret, 32)
	defer clear(seed)
	key, err := h.kem.NewPrivateKey(seed)
	if err != nil {
		return nil, nil, errPrivateKey
	}
	return keyPair(key)
}

func keyPair(key hpke.PrivateKey) (*privateKey, []byte, error) {
	raw, err := key.Bytes()
	if err != nil {
		return nil, nil, errPrivateKey
	}
	private := &privateKey{raw: raw}
	private.parsed.Store(key)
	return private, key.PublicKey().Bytes(), nil
}

func (h stdHPKE) parse(private *privateKey) (hpke.PrivateKey, error) {
	if key, ok := private.parsed.Load().(hpke.PrivateKey); ok {
		return key, nil
	}
	key, err := h.kem.NewPrivateKey(private.raw)
	if err != nil {
		return nil, errPrivateKey
	}
	private.parsed.Store(key)
	return key, nil
}

func (h stdHPKE) public(private *privateKey) ([]byte, error) {
	key, err := h.parse(private)
	if err != nil {
		return nil, err
	}
	return key.PublicKey().Bytes(), nil
}

func (h stdHPKE) check(public []byte) error {
	if _, err := h.kem.NewPublicKey(public); err != nil {
		return errMalformed
	}
	if h.x25519 && !field25519.takes(public[len(public)-len(field25519.prime):]) {
		return errMalformed
	}
	return nil
}

func (h stdHPKE) sender(public, info []byte) ([]byte, *hpke.Sender, error) {
	key, err := h.kem.NewPublicKey(public)
	if err != nil {
		return nil, nil, fmt.Errorf("encryption key: %w", errMalformed)
	}
	enc, sender, err := hpke.NewSender(key, h.kdf, h.aead, info)
	if err != nil {
		return nil, nil, fmt.Errorf("encapsulate: %w", err)
	}
	return enc, sender, nil
}

func (h stdHPKE) recipient(private *privateKey, enc, info []byte) (*hpke.Recipient, error) {
	key, err := h.parse(private)
	if err != nil {
		return nil, err
	}
	recipient, err := hpke.NewRecipient(enc, key, h.kdf, h.aead, info)
	if err != nil {
		return nil, ErrDecrypt
	}
	return recipient, nil
}

func (h stdHPKE) seal(public, info, plaintext []byte) (hpkeCiphertext, error) {
	enc, sender, err := h.sender(public, info)
	if err != nil {
		return hpkeCiphertext{}, err
	}
	ciphertext, err := sender.Seal(nil, plaintext)
	if err != nil {
		return hpkeCiphertext{}, fmt.Errorf("seal: %w", err)
	}
	return hpkeCiphertext{enc, ciphertext}, nil
}

func (h stdHPKE) open(private *privateKey, info []byte, c hpkeCiphertext) ([]byte, error) {
	recipient, err := h.recipient(private, c.kemOutput, info)
	if err != nil {
		return nil, err
	}
	plaintext, err := recipient.Open(nil, c.ciphertext)
	if err != nil {
		return nil, ErrDecrypt
	}
	return plaintext, nil
}

func (h stdHPKE) sendExport(public []byte, label string, n int) (kemOutput, secret []byte, err error) {
	enc, sender, err := h.sender(public, nil)
	if err != nil {
		return nil, nil, err
	}
	secret, err = sender.Export(label, n)
	return enc, secret, err
}

func (h stdHPKE) receiveExport(private *privateKey, kemOutput []byte, label string, n int) ([]byte, error) {
	recipient, err := h.recipient(private, kemOutput, nil)
	if err != nil {
		return nil, err
	}
	return recipient.Export(label, n)
}
