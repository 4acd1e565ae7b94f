package contact

import (
	"crypto/ed25519"
	"fmt"
	"time"

	"golang.org/x/crypto/cryptobyte"

	"quicnprotochat/node/identity"
	"quicnprotochat/rpc"
	"quicnprotochat/transport"
)

// PassDomain stands before a pass when its recipient signs it.
const PassDomain = "quicnprotochat pass v1"

const (
	// MaxPassLife is how far ahead the expiry of a pass may lie.
	MaxPassLife = 30 * 24 * time.Hour
	// PassSize is the length of an encoded pass in bytes.
	PassSize = 1 + 32 + 32 + 1 + 4 + 8 + ed25519.SignatureSize

	passVersion = 1

	// clockSkew is by how much a clock that judges a pass may be late.
	clockSkew = 24 * time.Hour

	// maxTime is the last millisecond of the year 9999.
	maxTime = 253402300799999
)

// PassKind says what a pass is good for.
type PassKind byte

// The kinds of passes.
const (
	// PassContact is given to contacts.
	PassContact PassKind = 1
	// PassHello is in a contact link: who shows it had the link.
	PassHello PassKind = 2
)

// Pass lets somebody unknown send to Recipient. It is the same for all who have
// it, names nobody but the recipient, and is worth nothing elsewhere than at
// Relay. The zero value is no pass.
type Pass struct {
	Recipient rpc.Identity
	// Relay is the key of the relay that takes the pass; of a hello pass in a
	// link it is the recipient's own host key.
	Relay transport.Key
	Kind  PassKind
	// Generation is the recipient's when it made the pass. Raising it cancels
	// all passes of lower ones.
	Generation uint32
	// Expiry has whole milliseconds.
	Expiry time.Time
	// Signature is the recipient's, by Ed25519.
	Signature [ed25519.SignatureSize]byte
}

// IsZero reports whether p is no pass.
func (p Pass) IsZero() bool { return p.Kind == 0 }

// Sign returns p with its expiry cut to milliseconds and the signature of its
// recipient. sign returns the Ed25519 signature over domain ‖ msg.
func (p Pass) Sign(sign func(domain string, msg []byte) []byte) Pass {
	p.Expiry = time.UnixMilli(p.Expiry.UnixMilli()).UTC()
	p.Signature = [ed25519.SignatureSize]byte{}
	copy(p.Signature[:], sign(PassDomain, p.signed()))
	return p
}

// signed is what the signature is over.
func (p Pass) signed() []byte {
	b := cryptobyte.NewFixedBuilder(make([]byte, 0, PassSize))
	b.AddUint8(passVersion)
	b.AddBytes(p.Recipient[:])
	b.AddBytes(p.Relay[:])
	b.AddUint8(uint8(p.Kind))
	b.AddUint32(p.Generation)
	b.AddUint64(uint64(p.Expiry.UnixMilli()))
	return b.BytesOrPanic() // the size is fixed
}

// Encode returns the encoding of p with its signature, PassSize bytes.
func (p Pass) Encode() []byte { return append(p.signed(), p.Signature[:]...) }

// ParsePass parses a pass and checks its signature. Whether it is good here and
// now is for Check to say.
func ParsePass(b []byte) (Pass, error) {
	var (
		p       Pass
		s       = cryptobyte.String(b)
		version uint8
	)
	if !s.ReadUint8(&version) || version != passVersion ||
		!s.CopyBytes(p.Recipient[:]) || !s.CopyBytes(p.Relay[:]) || !s.ReadUint8((*uint8)(&p.Kind)) ||
		!s.ReadUint32(&p.Generation) || !readTime(&s, &p.Expiry) ||
		!s.CopyBytes(p.Signature[:]) || !s.Empty() {
		return Pass{}, fmt.Errorf("parse pass: %w", ErrMalformed)
	}
	if p.Kind != PassContact && p.Kind != PassHello {
		return Pass{}, fmt.Errorf("parse pass of kind %d: %w", p.Kind, ErrMalformed)
	}
	if !p.verify() {
		return Pass{}, fmt.Errorf("parse pass: %w", ErrSignature)
	}
	return p, nil
}

// verify reports whether the signature is right.
func (p Pass) verify() bool {
	return identity.Verify(p.Recipient, PassDomain, p.signed(), p.Signature[:])
}

// Check reports whether a parsed pass is good at relay for recipient, whose
// present generation is given: ErrPassOther, ErrPassCancelled or ErrPassExpired
// if not. The kind is for the caller to look at.
func (p Pass) Check(now time.Time, recipient rpc.Identity, relay transport.Key, generation uint32) error {
	switch {
	case p.Recipient != recipient || p.Relay != relay:
		return ErrPassOther
	case p.Generation < generation:
		return ErrPassCancelled
	case now.After(p.Expiry) || p.Expiry.After(now.Add(MaxPassLife+clockSkew)):
		return ErrPassExpired
	}
	return nil
}

// readTime reads a u64 of Unix milliseconds.
func readTime(s *cryptobyte.String, t *time.Time) bool {
	var ms uint64
	if !s.ReadUint64(&ms) || ms > maxTime {
		return false
	}
	*t = time.UnixMilli(int64(ms)).UTC()
	return true
}
