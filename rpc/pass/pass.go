package pass

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"time"

	"golang.org/x/crypto/cryptobyte"

	"quicnprotochat/rpc"
)

// Domain stands before a pass when its recipient signs it.
const Domain = "quicnprotochat pass v1"

const (
	// MaxLife is how far ahead the expiry of a pass may lie.
	MaxLife = 30 * 24 * time.Hour
	// Size is the length of an encoded pass in bytes.
	Size = 1 + 32 + 32 + 1 + 4 + 8 + ed25519.SignatureSize

	version = 1

	// clockSkew is by how much a clock that judges a pass may be late.
	clockSkew = 24 * time.Hour

	// maxTime is the last millisecond of the year 9999.
	maxTime = 253402300799999
)

// The errors that callers branch on.
var (
	// ErrMalformed: the bytes are no pass.
	ErrMalformed = errors.New("malformed")
	// ErrSignature: the pass is not signed by the recipient that it names.
	ErrSignature = errors.New("signature wrong")
	// ErrExpired: the time of the pass is over, or further ahead than allowed.
	ErrExpired = errors.New("pass expired")
	// ErrCancelled: the recipient has raised the generation since.
	ErrCancelled = errors.New("pass cancelled")
	// ErrOther: the pass is for another recipient or another relay.
	ErrOther = errors.New("pass for another")
)

// Kind says what a pass is good for.
type Kind byte

// The kinds of passes.
const (
	// Contact is given to contacts.
	Contact Kind = 1
	// Hello is in a contact link: who shows it had the link.
	Hello Kind = 2
)

// Pass lets somebody unknown send to Recipient. It is the same for all who have
// it, names nobody but the recipient, and is worth nothing elsewhere than at
// Relay. The zero value is no pass.
type Pass struct {
	Recipient rpc.Identity
	// Relay is the key of the relay that takes the pass; of a hello pass in a
	// link it is the recipient's own host key, for all relays where it is at home.
	Relay [32]byte
	Kind  Kind
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
	copy(p.Signature[:], sign(Domain, p.signed()))
	return p
}

// signed is what the signature is over.
func (p Pass) signed() []byte {
	b := cryptobyte.NewFixedBuilder(make([]byte, 0, Size))
	b.AddUint8(version)
	b.AddBytes(p.Recipient[:])
	b.AddBytes(p.Relay[:])
	b.AddUint8(uint8(p.Kind))
	b.AddUint32(p.Generation)
	b.AddUint64(uint64(p.Expiry.UnixMilli()))
	return b.BytesOrPanic() // the size is fixed
}

// Encode returns the encoding of p with its signature, Size bytes.
func (p Pass) Encode() []byte { return append(p.signed(), p.Signature[:]...) }

// Parse parses a pass and checks its signature: ErrMalformed or ErrSignature.
// Whether it is good here and now is for Check to say.
func Parse(b []byte) (Pass, error) {
	var (
		p Pass
		s = cryptobyte.String(b)
		v uint8
	)
	if !s.ReadUint8(&v) || v != version ||
		!s.CopyBytes(p.Recipient[:]) || !s.CopyBytes(p.Relay[:]) || !s.ReadUint8((*uint8)(&p.Kind)) ||
		!s.ReadUint32(&p.Generation) || !ReadTime(&s, &p.Expiry) ||
		!s.CopyBytes(p.Signature[:]) || !s.Empty() {
		return Pass{}, fmt.Errorf("parse pass: %w", ErrMalformed)
	}
	if p.Kind != Contact && p.Kind != Hello {
		return Pass{}, fmt.Errorf("parse pass of kind %d: %w", p.Kind, ErrMalformed)
	}
	if !p.Verify() {
		return Pass{}, fmt.Errorf("parse pass: %w", ErrSignature)
	}
	return p, nil
}

// Verify reports whether the signature is right. It is not for a key of small
// order, with which anybody could have signed.
func (p Pass) Verify() bool {
	return p.Recipient.Valid() && ed25519.Verify(p.Recipient[:], append([]byte(Domain), p.signed()...), p.Signature[:])
}

// Check reports whether a parsed pass is good at relay for recipient, whose
// present generation is given: ErrOther, ErrCancelled or ErrExpired if not. The
// kind is for the caller to look at.
func (p Pass) Check(now time.Time, recipient rpc.Identity, relay [32]byte, generation uint32) error {
	switch {
	case p.Recipient != recipient || p.Relay != relay:
		return ErrOther
	case p.Generation < generation:
		return ErrCancelled
	case now.After(p.Expiry) || p.Expiry.After(now.Add(MaxLife+clockSkew)):
		return ErrExpired
	}
	return nil
}

// ReadTime reads a time as passes and cards have it: a u64 of Unix milliseconds, before
// the year 10000.
func ReadTime(s *cryptobyte.String, t *time.Time) bool {
	var ms uint64
	if !s.ReadUint64(&ms) || ms > maxTime {
		return false
	}
	*t = time.UnixMilli(int64(ms)).UTC()
	return true
}
