package mls

import (
	"crypto/hpke"
	"fmt"
)

// An hpkeCiphertext is HPKECiphertext of RFC 9420, §7.6.
type hpkeCiphertext struct {
	kemOutput  []byte
	ciphertext []byte
}

func (c hpkeCiphertext) encode(w *writer) {
	w.vec(c.kemOutput)
	w.vec(c.ciphertext)
}

func decodeHPKECiphertext(r *reader) hpkeCiphertext {
	return hpkeCiphertext{kemOutput: r.key(), ciphertext: r.key()}
}

func encryptContext(label string, context []byte) []byte {
	var w writer
	w.str("MLS 1.0 " + label)
	w.vec(context)
	return w.b
}

// encryptWithLabel is EncryptWithLabel of RFC 9420, §5.1.3.
func (s *suite) encryptWithLabel(public []byte, label string, context, plaintext []byte) (hpkeCiphertext, error) {
	key, err := s.kem.NewPublicKey(public)
	if err != nil {
		return hpkeCiphertext{}, fmt.Errorf("encryption key: %w", errMalformed)
	}
	enc, sender, err := hpke.NewSender(key, s.kdf, s.aead, encryptContext(label, context))
	if err != nil {
		return hpkeCiphertext{}, fmt.Errorf("encapsulate: %w", err)
	}
	ciphertext, err := sender.Seal(nil, plaintext)
	if err != nil {
		return hpkeCiphertext{}, fmt.Errorf("seal: %w", err)
	}
	return hpkeCiphertext{enc, ciphertext}, nil
}

// decryptWithLabel is DecryptWithLabel of RFC 9420, §5.1.3.
func (s *suite) decryptWithLabel(private []byte, label string, context []byte, c hpkeCiphertext) ([]byte, error) {
	key, err := s.kem.NewPrivateKey(private)
	if err != nil {
		return nil, errPrivateKey
	}
	recipient, err := hpke.NewRecipient(c.kemOutput, key, s.kdf, s.aead, encryptContext(label, context))
	if err != nil {
		return nil, ErrDecrypt
	}
	plaintext, err := recipient.Open(nil, c.ciphertext)
	if err != nil {
		return nil, ErrDecrypt
	}
	return plaintext, nil
}

// generateKey returns a fresh HPKE key pair.
func (s *suite) generateKey() (private, public []byte, err error) {
	key, err := s.kem.GenerateKey()
	if err != nil {
		return nil, nil, fmt.Errorf("generate key: %w", err)
	}
	return keyPair(key)
}

// deriveKeyPair is KEM.DeriveKeyPair.
func (s *suite) deriveKeyPair(secret []byte) (private, public []byte, err error) {
	key, err := s.kem.DeriveKeyPair(secret)
	if err != nil {
		return nil, nil, errPrivateKey
	}
	return keyPair(key)
}

func keyPair(key hpke.PrivateKey) (private, public []byte, err error) {
	private, err = key.Bytes()
	if err != nil {
		return nil, nil, errPrivateKey
	}
	return private, key.PublicKey().Bytes(), nil
}

// publicOf returns the public half of a private key.
func (s *suite) publicOf(private []byte) ([]byte, error) {
	key, err := s.kem.NewPrivateKey(private)
	if err != nil {
		return nil, errPrivateKey
	}
	return key.PublicKey().Bytes(), nil
}

// checkEncryptionKey refuses bytes that are no public key of the suite's KEM.
func (s *suite) checkEncryptionKey(public []byte) error {
	if _, err := s.kem.NewPublicKey(public); err != nil {
		return fmt.Errorf("encryption key: %w", errMalformed)
	}
	return nil
}
