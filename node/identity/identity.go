package identity

import (
	"crypto/ed25519"
	"fmt"
	"log/slog"

	"quicnprotochat/rpc"
	"quicnprotochat/transport"
)

// SeedSize is the length of a seed in bytes.
const SeedSize = ed25519.SeedSize

// SignatureSize is the length of a signature in bytes.
const SignatureSize = ed25519.SignatureSize

// Identity is a private Ed25519 key. It is immutable and safe for concurrent use.
type Identity struct {
	key ed25519.PrivateKey
	id  rpc.Identity
}

// Generate makes a new random Identity.
func Generate() (*Identity, error) {
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		return nil, fmt.Errorf("generate identity: %w", err)
	}
	return newIdentity(key), nil
}

// FromSeed returns the Identity of a seed of SeedSize bytes, as Seed gave it.
func FromSeed(seed []byte) (*Identity, error) {
	if len(seed) != SeedSize {
		return nil, fmt.Errorf("identity seed has %d bytes, not %d", len(seed), SeedSize)
	}
	return newIdentity(ed25519.NewKeyFromSeed(seed)), nil
}

func newIdentity(key ed25519.PrivateKey) *Identity {
	return &Identity{key: key, id: rpc.Identity(key.Public().(ed25519.PublicKey))}
}

// ID returns the public key.
func (i *Identity) ID() rpc.Identity { return i.id }

// Sign returns the signature over domain ‖ msg, SignatureSize bytes. It panics
// if domain is not in Domains: a domain is a constant of the program, and a
// missing entry would go round the proof that domains cannot be confused.
func (i *Identity) Sign(domain string, msg []byte) []byte {
	if !knownDomain(domain) {
		panic("identity: signing domain not in the table: " + domain)
	}
	return ed25519.Sign(i.key, content(domain, msg))
}

// HostKey returns the libp2p host key. Today it is the identity's own key; only
// package transport may be given it.
func (i *Identity) HostKey() ed25519.PrivateKey {
	return append(ed25519.PrivateKey(nil), i.key...)
}

// MLS returns the identity as the signature key of its MLS leaves.
func (i *Identity) MLS() Signer { return Signer{i} }

// Seed returns the SeedSize secret bytes that FromSeed takes.
func (i *Identity) Seed() []byte { return i.key.Seed() }

// LogValue keeps the key out of logs.
func (i *Identity) LogValue() slog.Value { return slog.StringValue("[redacted]") }

// Verify reports whether sig is the signature of id over domain ‖ msg. It is
// false for a domain that is not in Domains, and for a key of small order, with
// which anybody could have signed.
func Verify(id rpc.Identity, domain string, msg, sig []byte) bool {
	return knownDomain(domain) && len(sig) == SignatureSize &&
		transport.Key(id).Check() == nil &&
		ed25519.Verify(id[:], content(domain, msg), sig)
}

// content is what is signed.
func content(domain string, msg []byte) []byte {
	b := make([]byte, 0, len(domain)+len(msg))
	b = append(b, domain...)
	return append(b, msg...)
}
