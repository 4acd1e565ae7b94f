package message

import (
	"fmt"

	"golang.org/x/crypto/cryptobyte"

	"quicnprotochat/mls/seal"
	"quicnprotochat/rpc"
)

const (
	// MaxCommits is how many commits one GroupTree holds at most.
	MaxCommits = 256
	// MaxContactCards is how many cards one ContactCards holds at most.
	MaxContactCards = 1000
	// maxLeaves bounds the leaves of a root: members and the blanks between them.
	maxLeaves = 4 * MaxMembers

	frameGroupTree    = 0x04
	frameContactCards = 0x05
	frameRatchetTree  = 0x06
)

// GroupTree is epochs of a group: what a commit brings, or what somebody asked
// for.
type GroupTree struct {
	// Root is where the tree of the sender begins; nil if the receiver has one.
	Root *GroupRoot
	// Commits are at most MaxCommits, parents before children.
	Commits []Commit
}

// GroupRoot is the oldest epoch of a tree, and who was in it.
type GroupRoot struct {
	Group  []byte // MLS group id, 1 to MaxGroupID bytes
	Name   EpochName
	Number uint64
	// Lamport is the highest Lamport time of a message that the sender has seen.
	Lamport uint64
	Profile GroupProfile
	// Leaves are the members by leaf index; a blank leaf is the zero identity.
	Leaves []rpc.Identity
}

// Commit is a commit card and the commit that it is of.
type Commit struct {
	Card []byte // an encoded CommitCard, not checked here
	// Message is an MLSMessage, empty where only the card is told.
	Message []byte
}

// ContactCards is the cards of members, each 1 to MaxCard bytes, not checked here.
type ContactCards [][]byte

// RatchetTree is what goes beside a Welcome or GroupInfo of a large group (RFC
// 9420, §12.4.3.3).
type RatchetTree []byte

func (t *GroupTree) frame() ([]byte, error) {
	var b cryptobyte.Builder
	b.AddUint8(frameGroupTree)
	if t.Root == nil {
		b.AddUint8(0)
	} else {
		b.AddUint8(1)
		t.Root.addTo(&b)
	}
	b.AddUint16(uint16(len(t.Commits)))
	for _, c := range t.Commits {
		addLong(&b, c.Card)
		addLong(&b, c.Message)
	}
	out, err := b.Bytes()
	if err == nil {
		_, err = parseGroupTree(out[1:])
	}
	if err != nil {
		return nil, fmt.Errorf("group tree: %w", err)
	}
	return out, nil
}

func parseGroupTree(b []byte) (*GroupTree, error) {
	var (
		t       GroupTree
		s       = cryptobyte.String(b)
		hasRoot uint8
		n       uint16
	)
	if !s.ReadUint8(&hasRoot) || hasRoot > 1 {
		return nil, fmt.Errorf("group tree: %w", ErrMalformed)
	}
	if hasRoot == 1 {
		t.Root = new(GroupRoot)
		if !t.Root.read(&s) {
			return nil, fmt.Errorf("root of group tree: %w", ErrMalformed)
		}
	}
	if !s.ReadUint16(&n) || n > MaxCommits || n == 0 && hasRoot == 0 {
		return nil, fmt.Errorf("group tree: %w", ErrMalformed)
	}
	for range n {
		var c Commit
		if !readLong(&s, &c.Card, 1, MaxCommitCard) || !readLong(&s, &c.Message, 0, seal.MaxFrame) {
			return nil, fmt.Errorf("commit of group tree: %w", ErrMalformed)
		}
		t.Commits = append(t.Commits, c)
	}
	if !s.Empty() {
		return nil, fmt.Errorf("group tree: %w", ErrMalformed)
	}
	return &t, nil
}

// Encode returns the encoding of r; ErrMalformed if a field is out of bounds.
func (r *GroupRoot) Encode() ([]byte, error) {
	var b cryptobyte.Builder
	r.addTo(&b)
	out, err := b.Bytes()
	if err == nil {
		_, err = ParseGroupRoot(out)
	}
	if err != nil {
		return nil, fmt.Errorf("encode root of group tree: %w", err)
	}
	return out, nil
}

// ParseGroupRoot parses what Encode returned.
func ParseGroupRoot(b []byte) (*GroupRoot, error) {
	r, s := new(GroupRoot), cryptobyte.String(b)
	if !r.read(&s) || !s.Empty() {
		return nil, fmt.Errorf("parse root of group tree: %w", ErrMalformed)
	}
	return r, nil
}

func (r *GroupRoot) addTo(b *cryptobyte.Builder) {
	b.AddUint8LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(r.Group) })
	b.AddBytes(r.Name[:])
	b.AddUint64(r.Number)
	b.AddUint64(r.Lamport)
	r.Profile.addTo(b)
	addIdentities(b, r.Leaves)
}

func (r *GroupRoot) read(s *cryptobyte.String) bool {
	var (
		group cryptobyte.String
		n     uint16
	)
	if !s.ReadUint8LengthPrefixed(&group) || len(group) == 0 || len(group) > MaxGroupID ||
		!s.CopyBytes(r.Name[:]) || !readNumber(s, &r.Number) ||
		!readNumber(s, &r.Lamport) || !r.Profile.read(s) ||
		!s.ReadUint16(&n) || n == 0 || n > maxLeaves || int(n)*len(rpc.Identity{}) > len(*s) {
		return false
	}
	r.Group, r.Leaves = group, make([]rpc.Identity, n)
	seen := make(map[rpc.Identity]bool, n)
	for i := range r.Leaves {
		id := &r.Leaves[i]
		s.CopyBytes(id[:])
		if seen[*id] && *id != (rpc.Identity{}) {
			return false
		}
		seen[*id] = true
	}
	return r.Leaves[n-1] != rpc.Identity{}
}

func (c ContactCards) frame() ([]byte, error) {
	var b cryptobyte.Builder
	b.AddUint8(frameContactCards)
	b.AddUint16(uint16(len(c)))
	for _, card := range c {
		addBlob(&b, card, 1, MaxCard)
	}
	out, err := b.Bytes()
	if err == nil {
		_, err = parseContactCards(out[1:])
	}
	if err != nil {
		return nil, fmt.Errorf("contact cards: %w", err)
	}
	return out, nil
}

func parseContactCards(b []byte) (ContactCards, error) {
	var (
		s = cryptobyte.String(b)
		n uint16
	)
	if !s.ReadUint16(&n) || n == 0 || n > MaxContactCards {
		return nil, fmt.Errorf("contact cards: %w", ErrMalformed)
	}
	var c ContactCards
	for range n {
		var card []byte
		if !readBlob(&s, &card, 1, MaxCard) {
			return nil, fmt.Errorf("contact cards: %w", ErrMalformed)
		}
		c = append(c, card)
	}
	if !s.Empty() {
		return nil, fmt.Errorf("contact cards: %w", ErrMalformed)
	}
	return c, nil
}

func (r RatchetTree) frame() ([]byte, error) {
	if len(r) == 0 || len(r) > seal.MaxFrame {
		return nil, fmt.Errorf("ratchet tree of %d bytes: %w", len(r), ErrMalformed)
	}
	return append([]byte{frameRatchetTree}, r...), nil
}

// addLong adds v behind its u32 length.
func addLong(b *cryptobyte.Builder, v []byte) {
	b.AddUint32(uint32(len(v)))
	b.AddBytes(v)
}

func readLong(s *cryptobyte.String, v *[]byte, least, most int) bool {
	var n uint32
	if !s.ReadUint32(&n) || int(n) < least || int(n) > most || int(n) > len(*s) {
		return false
	}
	return n == 0 || s.ReadBytes(v, int(n))
}
