package message

import (
	"crypto/ed25519"
	"fmt"

	"golang.org/x/crypto/cryptobyte"

	"quicnprotochat/node/identity"
	"quicnprotochat/rpc"
)

// ControlDomain stands before a control when its sender signs it.
const ControlDomain = "quicnprotochat control v1"

const (
	// MaxGroupID is the longest MLS group id in a control in bytes.
	MaxGroupID = 64
	// MaxControlBody is the longest body of a control in bytes.
	MaxControlBody = 64 << 10

	controlVersion = 1
)

// Control is one signed statement of one member to one other. A *Control is a
// Part of a frame.
type Control struct {
	Sender    rpc.Identity
	Recipient rpc.Identity
	// Group is the MLS group id that it is about, at most MaxGroupID bytes; may
	// be empty.
	Group []byte
	Type  ControlType
	// Body is at most MaxControlBody bytes; see OpenBody.
	Body []byte
	// Signature is the sender's, by Ed25519.
	Signature [ed25519.SignatureSize]byte
}

// NewControl makes and signs a control. sign returns the Ed25519 signature of
// sender over domain ‖ msg.
func NewControl(sender, recipient rpc.Identity, group []byte, body Body, sign func(domain string, msg []byte) []byte) (*Control, error) {
	encoded, err := body.Encode()
	if err != nil {
		return nil, err
	}
	c := &Control{Sender: sender, Recipient: recipient, Group: group, Type: body.Type(), Body: encoded}
	if err := c.checkSizes(); err != nil {
		return nil, err
	}
	if n := copy(c.Signature[:], sign(ControlDomain, c.signed())); n != len(c.Signature) {
		return nil, fmt.Errorf("sign control: %w", ErrSignature)
	}
	return c, nil
}

// signed is what the signature is over.
func (c *Control) signed() []byte {
	b := make([]byte, 0, len(c.Recipient)+1+len(c.Group)+1+len(c.Body))
	b = append(b, c.Recipient[:]...)
	b = append(b, byte(len(c.Group)))
	b = append(b, c.Group...)
	b = append(b, byte(c.Type))
	return append(b, c.Body...)
}

func (c *Control) checkSizes() error {
	if len(c.Group) > MaxGroupID || len(c.Body) > MaxControlBody {
		return fmt.Errorf("control with a group id of %d and a body of %d bytes: %w", len(c.Group), len(c.Body), ErrMalformed)
	}
	return nil
}

// Encode returns the encoding of c with its signature, which is not checked.
func (c *Control) Encode() ([]byte, error) {
	if err := c.checkSizes(); err != nil {
		return nil, err
	}
	size := 1 + 32 + 32 + 1 + len(c.Group) + 1 + 4 + len(c.Body) + len(c.Signature)
	b := cryptobyte.NewFixedBuilder(make([]byte, 0, size))
	b.AddUint8(controlVersion)
	b.AddBytes(c.Sender[:])
	b.AddBytes(c.Recipient[:])
	b.AddUint8(uint8(len(c.Group)))
	b.AddBytes(c.Group)
	b.AddUint8(uint8(c.Type))
	b.AddUint32(uint32(len(c.Body)))
	b.AddBytes(c.Body)
	b.AddBytes(c.Signature[:])
	return b.Bytes()
}

// ParseControl parses a control and checks the signature of the sender that it
// names. A control of unknown type is returned too: OpenBody tells.
func ParseControl(b []byte) (*Control, error) {
	var (
		c       Control
		s       = cryptobyte.String(b)
		version uint8
		group   cryptobyte.String
		size    uint32
	)
	if !s.ReadUint8(&version) || version != controlVersion ||
		!s.CopyBytes(c.Sender[:]) || !s.CopyBytes(c.Recipient[:]) ||
		!s.ReadUint8LengthPrefixed(&group) || len(group) > MaxGroupID ||
		!s.ReadUint8((*uint8)(&c.Type)) || !s.ReadUint32(&size) || size > MaxControlBody ||
		!s.ReadBytes(&c.Body, int(size)) || !s.CopyBytes(c.Signature[:]) || !s.Empty() {
		return nil, fmt.Errorf("parse control: %w", ErrMalformed)
	}
	c.Group = group
	if !identity.Verify(c.Sender, ControlDomain, c.signed(), c.Signature[:]) {
		return nil, fmt.Errorf("parse control: %w", ErrSignature)
	}
	return &c, nil
}
