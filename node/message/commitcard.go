package message

import (
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"unicode/utf8"

	"golang.org/x/crypto/cryptobyte"

	"quicnprotochat/node/identity"
	"quicnprotochat/rpc"
)

// The domains of what members of a group sign.
const (
	// CommitCardDomain stands before a commit card when its committer signs it.
	CommitCardDomain = "quicnprotochat commit card v1"
	// LeaveDomain stands before a leave when who leaves signs it.
	LeaveDomain = "quicnprotochat leave v1"
)

const (
	// MaxMembers is how many members a group has at most.
	MaxMembers = 1000
	// MaxAdmins is how many admins a group has at most.
	MaxAdmins = 64
	// MaxGroupName is the longest name of a group in bytes of UTF-8.
	MaxGroupName = 128
	// MaxCommitCard is the longest encoded commit card in bytes.
	MaxCommitCard = 160 << 10

	cardVersion  = 1
	cardExternal = 1
	cardProfile  = 2
	cardFlags    = cardExternal | cardProfile
)

// EpochName is the name of an epoch of a group: of the commit card that leads to
// it, or of the first one.
type EpochName = [16]byte

// GroupProfile is what the members of a group agree on beside who they are.
type GroupProfile struct {
	// Name is 1 to MaxGroupName bytes of UTF-8.
	Name string
	// Admins are at most MaxAdmins, the most senior first, each once.
	Admins []rpc.Identity
}

// Leave says that somebody wants to be in a group no longer. Any member may
// commit the Remove that it asks for.
type Leave struct {
	Who rpc.Identity
	// Epoch is one that Who was in: it does not count where Who was added later.
	Epoch     EpochName
	Signature [ed25519.SignatureSize]byte
}

// CommitCard says what a commit does, to those too who cannot open it.
type CommitCard struct {
	Group  []byte // MLS group id, 1 to MaxGroupID bytes
	Parent EpochName
	// Number is that of the epoch that the commit leads to.
	Number    uint64
	Committer rpc.Identity
	// External: the committer was a member and came back from outside.
	External bool
	// Removed and Added are members, each once. Leaves are of those among
	// Removed who asked for it themselves.
	Removed, Added []rpc.Identity
	Leaves         []Leave
	// Profile is what the group agrees on from here on; nil if it stays.
	Profile *GroupProfile
	// Binding stands for the MLS epoch that the commit leads to.
	Binding [32]byte
	// Digest is SHA-256 of the commit: nobody but the committer can put something
	// else in its place that does not open.
	Digest    [32]byte
	Signature [ed25519.SignatureSize]byte
}

// Sign signs c by its committer.
func (c *CommitCard) Sign(sign func(domain string, msg []byte) []byte) error {
	b, err := c.body()
	if err != nil {
		return err
	}
	copy(c.Signature[:], sign(CommitCardDomain, b))
	return nil
}

// Name is the name of the epoch that the commit leads to.
func (c *CommitCard) Name() (EpochName, error) {
	b, err := c.body()
	sum := sha256.Sum256(append([]byte("qpc epoch v1"), b...))
	return EpochName(sum[:16]), err
}

// Encode returns the encoding of c with its signature, which is not checked.
func (c *CommitCard) Encode() ([]byte, error) {
	b, err := c.body()
	return append(b, c.Signature[:]...), err
}

// body is what the signature is over.
func (c *CommitCard) body() ([]byte, error) {
	var b cryptobyte.Builder
	b.AddUint8(cardVersion)
	var flags uint8
	if c.External {
		flags |= cardExternal
	}
	if c.Profile != nil {
		flags |= cardProfile
	}
	b.AddUint8(flags)
	b.AddUint8LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(c.Group) })
	b.AddBytes(c.Parent[:])
	b.AddUint64(c.Number)
	b.AddBytes(c.Committer[:])
	addIdentities(&b, c.Removed)
	addIdentities(&b, c.Added)
	b.AddUint16(uint16(len(c.Leaves)))
	for _, l := range c.Leaves {
		l.addTo(&b)
	}
	if c.Profile != nil {
		c.Profile.addTo(&b)
	}
	b.AddBytes(c.Binding[:])
	b.AddBytes(c.Digest[:])
	out, err := b.Bytes()
	if err == nil {
		_, err = parseCardBody(out)
	}
	if err != nil {
		return nil, fmt.Errorf("encode commit card: %w", err)
	}
	return out, nil
}

// ParseCommitCard parses a commit card and checks the signatures in it. Whether
// the committer may do what it says is for the caller.
func ParseCommitCard(b []byte) (*CommitCard, error) {
	n := len(b) - ed25519.SignatureSize
	if n < 0 || len(b) > MaxCommitCard {
		return nil, fmt.Errorf("parse commit card of %d bytes: %w", len(b), ErrMalformed)
	}
	c, err := parseCardBody(b[:n])
	if err != nil {
		return nil, fmt.Errorf("parse commit card: %w", err)
	}
	copy(c.Signature[:], b[n:])
	if !identity.Verify(c.Committer, CommitCardDomain, b[:n], b[n:]) {
		return nil, fmt.Errorf("parse commit card: %w", ErrSignature)
	}
	for _, l := range c.Leaves {
		if !l.Verify(c.Group) {
			return nil, fmt.Errorf("parse commit card: leave: %w", ErrSignature)
		}
	}
	return c, nil
}

func parseCardBody(b []byte) (*CommitCard, error) {
	var (
		c              CommitCard
		s              = cryptobyte.String(b)
		version, flags uint8
		group          cryptobyte.String
		leaves         uint16
	)
	if !s.ReadUint8(&version) || version != cardVersion || !s.ReadUint8(&flags) || flags&^cardFlags != 0 ||
		!s.ReadUint8LengthPrefixed(&group) || len(group) == 0 || len(group) > MaxGroupID ||
		!s.CopyBytes(c.Parent[:]) || !readNumber(&s, &c.Number) || !s.CopyBytes(c.Committer[:]) ||
		!readIdentities(&s, &c.Removed, MaxMembers) || !readIdentities(&s, &c.Added, MaxMembers) ||
		!s.ReadUint16(&leaves) || int(leaves) > len(c.Removed) {
		return nil, ErrMalformed
	}
	c.Group, c.External = group, flags&cardExternal != 0
	if leaves > 0 {
		c.Leaves = make([]Leave, leaves)
	}
	for i := range c.Leaves {
		if !c.Leaves[i].read(&s) {
			return nil, ErrMalformed
		}
	}
	if flags&cardProfile != 0 {
		c.Profile = new(GroupProfile)
		if !c.Profile.read(&s) {
			return nil, ErrMalformed
		}
	}
	if !s.CopyBytes(c.Binding[:]) || !s.CopyBytes(c.Digest[:]) || !s.Empty() {
		return nil, ErrMalformed
	}
	return &c, nil
}

// NewLeave makes and signs a Leave of who from a group.
func NewLeave(who rpc.Identity, group []byte, epoch EpochName, sign func(domain string, msg []byte) []byte) Leave {
	l := Leave{Who: who, Epoch: epoch}
	copy(l.Signature[:], sign(LeaveDomain, l.signed(group)))
	return l
}

// Verify reports whether the Leave is signed by who leaves that group.
func (l Leave) Verify(group []byte) bool {
	return identity.Verify(l.Who, LeaveDomain, l.signed(group), l.Signature[:])
}

func (l Leave) signed(group []byte) []byte { return append(l.Epoch[:], group...) }

func (l Leave) addTo(b *cryptobyte.Builder) {
	b.AddBytes(l.Who[:])
	b.AddBytes(l.Epoch[:])
	b.AddBytes(l.Signature[:])
}

func (l *Leave) read(s *cryptobyte.String) bool {
	return s.CopyBytes(l.Who[:]) && s.CopyBytes(l.Epoch[:]) && s.CopyBytes(l.Signature[:])
}

// Encode returns the encoding of p; ErrMalformed if a field is out of bounds.
func (p *GroupProfile) Encode() ([]byte, error) {
	var b cryptobyte.Builder
	p.addTo(&b)
	out, err := b.Bytes()
	if err == nil {
		_, err = ParseGroupProfile(out)
	}
	if err != nil {
		return nil, fmt.Errorf("encode group profile: %w", err)
	}
	return out, nil
}

// ParseGroupProfile parses what Encode returned.
func ParseGroupProfile(b []byte) (*GroupProfile, error) {
	p, s := new(GroupProfile), cryptobyte.String(b)
	if !p.read(&s) || !s.Empty() {
		return nil, fmt.Errorf("parse group profile: %w", ErrMalformed)
	}
	return p, nil
}

func (p *GroupProfile) addTo(b *cryptobyte.Builder) {
	b.AddUint8LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes([]byte(p.Name)) })
	addIdentities(b, p.Admins)
}

func (p *GroupProfile) read(s *cryptobyte.String) bool {
	var name cryptobyte.String
	if !s.ReadUint8LengthPrefixed(&name) || len(name) == 0 || len(name) > MaxGroupName || !utf8.Valid(name) {
		return false
	}
	p.Name = string(name)
	return readIdentities(s, &p.Admins, MaxAdmins)
}

// addIdentities adds a list behind its u16 count.
func addIdentities(b *cryptobyte.Builder, list []rpc.Identity) {
	b.AddUint16(uint16(len(list)))
	for _, id := range list {
		b.AddBytes(id[:])
	}
}

// readIdentities reads at most most identities, no two the same and none zero.
func readIdentities(s *cryptobyte.String, list *[]rpc.Identity, most int) bool {
	var n uint16
	if !s.ReadUint16(&n) || int(n) > most || int(n)*len(rpc.Identity{}) > len(*s) {
		return false
	}
	if n == 0 {
		return true
	}
	seen := map[rpc.Identity]bool{{}: true}
	*list = make([]rpc.Identity, n)
	for i := range *list {
		id := &(*list)[i]
		if !s.CopyBytes(id[:]) || seen[*id] {
			return false
		}
		seen[*id] = true
	}
	return true
}
