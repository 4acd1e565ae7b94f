package seal

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/hpke"
	"crypto/rand"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/crypto/cryptobyte"
)

// HybridKeyDomain stands before a blob when its owner signs it.
const HybridKeyDomain = "quicnprotochat hybrid key v1"

// The life of a hybrid key. An owner makes a new one each KeyRotation and erases
// the private half KeyErasure after it was replaced. A blob says KeyLifetime, so
// that who is away for weeks can still be written to; a sender asks for a newer
// blob when its own is older than KeyRotation.
const (
	KeyRotation = 7 * 24 * time.Hour
	KeyErasure  = 14 * 24 * time.Hour
	KeyLifetime = 35 * 24 * time.Hour
)

// ClockSkew is how far in the future the not-before of a blob may lie.
const ClockSkew = 24 * time.Hour

const (
	blobVersion    = 1
	privateVersion = 1
	keyIDSize      = 8
	publicKeySize  = 1216
	x25519Size     = 32 // the end of the public key
	seedSize       = 32

	// BlobSize is the length of a blob in bytes.
	BlobSize = 1 + keyIDSize + 8 + 8 + publicKeySize + ed25519.SignatureSize

	// maxTime is the last millisecond of the year 9999.
	maxTime = 253402300799999
)

// HybridKey is a public key that payloads are sealed to, as its owner announced
// it. It is immutable.
type HybridKey struct {
	id                  [8]byte
	notBefore, notAfter time.Time
	key                 hpke.PublicKey
}

// ParseHybridKey parses the blob of a hybrid key of owner. It refuses a blob
// that is malformed, not signed by owner, or not valid at now. The caller has
// checked that owner is a sound Ed25519 key.
func ParseHybridKey(blob []byte, owner [32]byte, now time.Time) (*HybridKey, error) {
	k, signed, signature, err := parseBlob(blob)
	if err != nil {
		return nil, fmt.Errorf("parse hybrid key: %w", err)
	}
	if !ed25519.Verify(owner[:], append([]byte(HybridKeyDomain), signed...), signature) {
		return nil, fmt.Errorf("parse hybrid key: %w", ErrSignature)
	}
	if now.Before(k.notBefore.Add(-ClockSkew)) || now.After(k.notAfter) {
		return nil, fmt.Errorf("parse hybrid key: %w", ErrExpired)
	}
	return k, nil
}

// parseBlob parses a blob without regard to its signature and times.
func parseBlob(blob []byte) (k *HybridKey, signed, signature []byte, err error) {
	var (
		s        = cryptobyte.String(blob)
		version  uint8
		from, to uint64
		public   []byte
	)
	k = new(HybridKey)
	if !s.ReadUint8(&version) || version != blobVersion ||
		!s.CopyBytes(k.id[:]) || !s.ReadUint64(&from) || !s.ReadUint64(&to) ||
		!s.ReadBytes(&public, publicKeySize) ||
		!s.ReadBytes(&signature, ed25519.SignatureSize) || !s.Empty() {
		return nil, nil, nil, ErrMalformed
	}
	if from >= to || to > maxTime {
		return nil, nil, nil, fmt.Errorf("times: %w", ErrMalformed)
	}
	k.notBefore, k.notAfter = time.UnixMilli(int64(from)).UTC(), time.UnixMilli(int64(to)).UTC()
	k.key, err = hpke.MLKEM768X25519().NewPublicKey(public)
	if err != nil || smallOrder(public[publicKeySize-x25519Size:]) {
		return nil, nil, nil, fmt.Errorf("public key: %w", ErrMalformed)
	}
	return k, blob[:len(blob)-ed25519.SignatureSize], signature, nil
}

// smallOrder reports whether an exchange with an X25519 key has the result zero:
// such a key cannot be sealed to, and must not take the place of one that can.
func smallOrder(public []byte) bool {
	key, err := ecdh.X25519().NewPublicKey(public)
	if err != nil {
		return true
	}
	private, err := ecdh.X25519().NewPrivateKey(bytes.Repeat([]byte{1}, x25519Size))
	if err != nil {
		return true
	}
	_, err = private.ECDH(key)
	return err != nil
}

// NotBefore returns when the owner made the key. Of two blobs of one owner the
// one with the later NotBefore counts.
func (k *HybridKey) NotBefore() time.Time { return k.notBefore }

// PrivateKey is the private half of a HybridKey, with the blob that announces
// it. It is immutable and safe for concurrent use.
type PrivateKey struct {
	public *HybridKey
	key    hpke.PrivateKey
	seed   []byte
	blob   []byte
}

// NewHybridKey makes a new key that is valid from now for KeyLifetime. sign
// returns the owner's Ed25519 signature over domain ‖ msg.
func NewHybridKey(now time.Time, sign func(domain string, msg []byte) []byte) (*PrivateKey, error) {
	key, err := hpke.MLKEM768X25519().GenerateKey()
	if err != nil {
		return nil, fmt.Errorf("generate hybrid key: %w", err)
	}
	seed, err := key.Bytes()
	if err != nil {
		return nil, fmt.Errorf("generate hybrid key: %w", err)
	}
	var id [keyIDSize]byte
	if _, err := rand.Read(id[:]); err != nil {
		return nil, fmt.Errorf("generate hybrid key: %w", err)
	}
	b := cryptobyte.NewFixedBuilder(make([]byte, 0, BlobSize))
	b.AddUint8(blobVersion)
	b.AddBytes(id[:])
	b.AddUint64(uint64(now.UnixMilli()))
	b.AddUint64(uint64(now.Add(KeyLifetime).UnixMilli()))
	b.AddBytes(key.PublicKey().Bytes())
	signed, err := b.Bytes()
	if err != nil {
		return nil, fmt.Errorf("generate hybrid key: %w", err)
	}
	return newPrivateKey(seed, append(signed, sign(HybridKeyDomain, signed)...))
}

// newPrivateKey checks that seed and blob belong together.
func newPrivateKey(seed, blob []byte) (*PrivateKey, error) {
	public, _, _, err := parseBlob(blob)
	if err != nil {
		return nil, fmt.Errorf("hybrid key blob: %w", err)
	}
	key, err := hpke.MLKEM768X25519().NewPrivateKey(seed)
	if err != nil {
		return nil, fmt.Errorf("hybrid private key: %w", ErrMalformed)
	}
	if !bytes.Equal(key.PublicKey().Bytes(), public.key.Bytes()) {
		return nil, fmt.Errorf("hybrid private key of another blob: %w", ErrMalformed)
	}
	return &PrivateKey{public: public, key: key, seed: seed, blob: blob}, nil
}

// ParsePrivateKey parses what Bytes returned. It trusts the blob's signature.
func ParsePrivateKey(b []byte) (*PrivateKey, error) {
	var (
		s          = cryptobyte.String(b)
		version    uint8
		seed, blob []byte
	)
	if !s.ReadUint8(&version) || version != privateVersion ||
		!s.ReadBytes(&seed, seedSize) || !s.ReadBytes(&blob, BlobSize) || !s.Empty() {
		return nil, fmt.Errorf("parse hybrid private key: %w", ErrMalformed)
	}
	return newPrivateKey(bytes.Clone(seed), bytes.Clone(blob))
}

// Bytes returns the key for the local store: version 1 ‖ X-Wing seed 32 ‖ blob.
// It is secret.
func (p *PrivateKey) Bytes() []byte {
	b := make([]byte, 0, 1+seedSize+BlobSize)
	b = append(b, privateVersion)
	b = append(b, p.seed...)
	return append(b, p.blob...)
}

// ID returns the key id.
func (p *PrivateKey) ID() [8]byte { return p.public.id }

// Blob returns the signed announcement of the key, BlobSize bytes.
func (p *PrivateKey) Blob() []byte { return bytes.Clone(p.blob) }

// NotBefore returns when the key was made, in whole milliseconds.
func (p *PrivateKey) NotBefore() time.Time { return p.public.notBefore }

// NotAfter returns when the key must no longer be sealed to.
func (p *PrivateKey) NotAfter() time.Time { return p.public.notAfter }

// LogValue keeps the key out of logs.
func (p *PrivateKey) LogValue() slog.Value { return slog.StringValue("[redacted]") }
