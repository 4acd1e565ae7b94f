package mls

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/hpke"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"sync"

	circl "github.com/cloudflare/circl/hpke"
	"golang.org/x/crypto/chacha20poly1305"
)

// Suite is the number of a cipher suite (RFC 9420, §17.1).
type Suite uint16

// The cipher suites of RFC 9420.
const (
	X25519_AES128GCM_SHA256_Ed25519        Suite = 0x0001
	P256_AES128GCM_SHA256_P256             Suite = 0x0002
	X25519_CHACHA20POLY1305_SHA256_Ed25519 Suite = 0x0003
	X448_AES256GCM_SHA512_Ed448            Suite = 0x0004
	P521_AES256GCM_SHA512_P521             Suite = 0x0005
	X448_CHACHA20POLY1305_SHA512_Ed448     Suite = 0x0006
	P384_AES256GCM_SHA384_P384             Suite = 0x0007
)

// MLKEM768X25519_AES128GCM_SHA256_Ed25519 is the hybrid suite of
// draft-ietf-mls-pq-ciphersuites, with X-Wing as the KEM. The number is
// provisional, as OpenMLS 0.9 has it: IANA has not given one.
const MLKEM768X25519_AES128GCM_SHA256_Ed25519 Suite = 0x004F

// A suite is everything that a cipher suite decides. Nothing outside the table
// knows a hash, a KEM, an AEAD or a signature scheme, so that a suite is added
// by a row.
type suite struct {
	id        Suite
	name      string
	hpke      publicKeyScheme
	hash      func() hash.Hash
	size      int // KDF.Nh, also the size of the hash and of a MAC
	keySize   int // AEAD.Nk
	nonceSize int // AEAD.Nn
	cipher    func(key []byte) (cipher.AEAD, error)
	signature scheme

	hashers sync.Pool // of *hasher
}

// labelPrefix begins every label (RFC 9420, §5.1.2, §5.1.3, §8).
const labelPrefix = "MLS 1.0 "

var suites = []*suite{
	{
		id: X25519_AES128GCM_SHA256_Ed25519, name: "X25519_AES128GCM_SHA256_Ed25519",
		hpke: stdHPKE{hpke.DHKEM(ecdh.X25519()), hpke.HKDFSHA256(), hpke.AES128GCM(), true},
		hash: sha256.New, size: 32, keySize: 16, nonceSize: 12, cipher: newGCM, signature: ed25519Scheme{},
	},
	{
		id: P256_AES128GCM_SHA256_P256, name: "P256_AES128GCM_SHA256_P256",
		hpke: stdHPKE{hpke.DHKEM(ecdh.P256()), hpke.HKDFSHA256(), hpke.AES128GCM(), false},
		hash: sha256.New, size: 32, keySize: 16, nonceSize: 12, cipher: newGCM,
		signature: ecdsaScheme{elliptic.P256(), sha256.New},
	},
	{
		id: X25519_CHACHA20POLY1305_SHA256_Ed25519, name: "X25519_CHACHA20POLY1305_SHA256_Ed25519",
		hpke: stdHPKE{hpke.DHKEM(ecdh.X25519()), hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), true},
		hash: sha256.New, size: 32, keySize: 32, nonceSize: 12, cipher: chacha20poly1305.New, signature: ed25519Scheme{},
	},
	{
		id: X448_AES256GCM_SHA512_Ed448, name: "X448_AES256GCM_SHA512_Ed448",
		hpke: newX448(circl.AEAD_AES256GCM),
		hash: sha512.New, size: 64, keySize: 32, nonceSize: 12, cipher: newGCM, signature: ed448Scheme{},
	},
	{
		id: P521_AES256GCM_SHA512_P521, name: "P521_AES256GCM_SHA512_P521",
		hpke: stdHPKE{hpke.DHKEM(ecdh.P521()), hpke.HKDFSHA512(), hpke.AES256GCM(), false},
		hash: sha512.New, size: 64, keySize: 32, nonceSize: 12, cipher: newGCM,
		signature: ecdsaScheme{elliptic.P521(), sha512.New},
	},
	{
		id: X448_CHACHA20POLY1305_SHA512_Ed448, name: "X448_CHACHA20POLY1305_SHA512_Ed448",
		hpke: newX448(circl.AEAD_ChaCha20Poly1305),
		hash: sha512.New, size: 64, keySize: 32, nonceSize: 12, cipher: chacha20poly1305.New, signature: ed448Scheme{},
	},
	{
		id: P384_AES256GCM_SHA384_P384, name: "P384_AES256GCM_SHA384_P384",
		hpke: stdHPKE{hpke.DHKEM(ecdh.P384()), hpke.HKDFSHA384(), hpke.AES256GCM(), false},
		hash: sha512.New384, size: 48, keySize: 32, nonceSize: 12, cipher: newGCM,
		signature: ecdsaScheme{elliptic.P384(), sha512.New384},
	},
	{
		id: MLKEM768X25519_AES128GCM_SHA256_Ed25519, name: "MLKEM768X25519_AES128GCM_SHA256_Ed25519",
		hpke: xWing{stdHPKE{hpke.MLKEM768X25519(), hpke.HKDFSHA256(), hpke.AES128GCM(), true}},
		hash: sha256.New, size: 32, keySize: 16, nonceSize: 12, cipher: newGCM, signature: ed25519Scheme{},
	},
}

// String returns the suite's name without the prefix and the security level
// that the registry puts before it.
func (s Suite) String() string {
	if c, err := s.lookup(); err == nil {
		return c.name
	}
	return fmt.Sprintf("suite 0x%04x", uint16(s))
}

func (s Suite) lookup() (*suite, error) {
	for _, c := range suites {
		if c.id == s {
			return c, nil
		}
	}
	return nil, fmt.Errorf("cipher suite 0x%04x: %w", uint16(s), ErrUnsupported)
}

func newGCM(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// digest returns the hash of the parts, one after the other.
func (s *suite) digest(parts ...[]byte) []byte {
	h := s.hasher()
	defer h.release()
	return h.digest(make([]byte, 0, s.size), parts...)
}

func (s *suite) mac(key, message []byte) []byte {
	h := s.hasher()
	defer h.release()
	h.key(key)
	return h.mac(make([]byte, 0, s.size), message)
}

// extract is KDF.Extract.
func (s *suite) extract(salt, ikm []byte) []byte { return s.mac(salt, ikm) }

// expandWithLabel is ExpandWithLabel of RFC 9420, §8. The lengths that the
// protocol asks for are those of a key, a nonce or a hash: one block of
// KDF.Expand. Only an exporter may want more.
func (s *suite) expandWithLabel(secret []byte, label string, context []byte, n int) ([]byte, error) {
	if n < 0 || n > 255*s.size {
		return nil, errors.New("expand: length out of range")
	}
	h := s.hasher()
	defer h.release()
	h.w.u16(uint16(n))
	h.w.length(len(labelPrefix) + len(label))
	h.w.b = append(append(h.w.b, labelPrefix...), label...)
	h.w.vec(context)
	if n > s.size {
		return hkdf.Expand(s.hash, secret, string(h.w.b), n)
	}
	h.w.u8(1)
	h.key(secret)
	out := make([]byte, n)
	copy(out, h.mac(h.sum[:0]))
	return out, nil
}

// deriveSecret is DeriveSecret of RFC 9420, §8.
func (s *suite) deriveSecret(secret []byte, label string) ([]byte, error) {
	return s.expandWithLabel(secret, label, nil, s.size)
}

// deriveTreeSecret is DeriveTreeSecret of RFC 9420, §9.1.
func (s *suite) deriveTreeSecret(secret []byte, label string, generation uint32, n int) ([]byte, error) {
	var context [4]byte
	binary.BigEndian.PutUint32(context[:], generation)
	return s.expandWithLabel(secret, label, context[:], n)
}

// refHash is RefHash of RFC 9420, §5.2.
func (s *suite) refHash(label string, value []byte) []byte {
	h := s.hasher()
	defer h.release()
	h.w.str(label)
	h.w.length(len(value))
	return h.digest(make([]byte, 0, s.size), value)
}

// seal encrypts with the suite's AEAD under a key that is used this once.
func (s *suite) seal(key, nonce, aad, plaintext []byte) ([]byte, error) {
	a, err := s.cipher(key)
	if err != nil {
		return nil, err
	}
	return a.Seal(nil, nonce, plaintext, aad), nil
}

// open decrypts what seal made. Its error says nothing but that it did not open.
func (s *suite) open(key, nonce, aad, ciphertext []byte) ([]byte, error) {
	a, err := s.cipher(key)
	if err != nil {
		return nil, err
	}
	plaintext, err := a.Open(nil, nonce, ciphertext, aad)
	if err != nil {
		return nil, ErrDecrypt
	}
	return plaintext, nil
}

// random returns n random bytes.
func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b) // never returns an error (crypto/rand)
	return b
}
