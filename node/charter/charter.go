package charter

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"

	"quicnprotochat/mls"
	"quicnprotochat/node/cards"
	"quicnprotochat/node/convo"
	"quicnprotochat/node/keys"
	"quicnprotochat/node/message"
	"quicnprotochat/rpc"
)

// ConversationID is the name of the conversation of a group, the same for all
// members.
func ConversationID(group []byte) [16]byte {
	sum := sha256.Sum256(append([]byte("qpc group v1"), group...))
	return [16]byte(sum[:16])
}

// Extension is the GroupContext extension of a group: version 1 ‖ kind 2 ‖ profile.
func Extension(p message.GroupProfile) (mls.Extension, error) {
	b, err := p.Encode()
	return keys.Extension(keys.KindGroup, b), err
}

// profileIn finds the profile among the extensions of a group.
func profileIn(extensions []mls.Extension) (*message.GroupProfile, error) {
	if kind, profile := keys.Conversation(extensions); kind == keys.KindGroup && len(profile) > 0 {
		return message.ParseGroupProfile(profile)
	}
	return nil, fmt.Errorf("group without a profile: %w", convo.ErrRefused)
}

// With returns extensions with another profile.
func With(extensions []mls.Extension, p message.GroupProfile) ([]mls.Extension, error) {
	x, err := Extension(p)
	if err != nil {
		return nil, err
	}
	for i := range extensions {
		if extensions[i].Type == x.Type {
			extensions[i] = x
		}
	}
	return extensions, nil
}

// leavesOf returns the members of an epoch by leaf index.
func leavesOf(members []mls.Member) (leaves []rpc.Identity) {
	for _, m := range members {
		for len(leaves) <= int(m.Leaf) {
			leaves = append(leaves, rpc.Identity{})
		}
		leaves[m.Leaf] = rpc.Identity(m.Identity)
	}
	return leaves
}

// Describes reports whether members and extensions are those of a roster.
func Describes(r *cards.Roster, members []mls.Member, extensions []mls.Extension) bool {
	for _, m := range members {
		if len(m.Identity) != len(rpc.Identity{}) || !bytes.Equal(m.Identity, m.SignatureKey) {
			return false
		}
	}
	profile, err := profileIn(extensions)
	return err == nil && r.Agrees(profile) && slices.Equal(leavesOf(members), r.Leaves())
}

// ErrContradiction means a commit that does something else than its card says.
var ErrContradiction = errors.New("commit is not what its card says")

// Check compares what a commit does with its card, as far as it can be told
// before the commit is entered. Of the extensions, those of the epoch before, the
// profile alone may change. A proposal that was sent before is in no commit that
// opens: none is ever kept (package convo).
func Check(n *cards.Epoch, staged *mls.Staged, before []mls.Extension) error {
	c := staged.Changes()
	same := string(c.Committer.Identity) == string(n.Card.Committer[:]) && string(c.Leaf.Identity) == string(n.Card.Committer[:]) &&
		c.External == n.Card.External && len(c.PSKs) == 0 && c.ReInit == nil && len(c.Updated) == 0
	if !same {
		return ErrContradiction
	}
	removed := c.Removed
	if c.External {
		removed = nil // its own leaf
	}
	if !sameIdentities(removed, n.Card.Removed) || !sameIdentities(c.Added, n.Card.Added) {
		return ErrContradiction
	}
	want, err := With(before, n.Roster.Profile())
	if err != nil {
		return err
	}
	if !slices.EqualFunc(c.Extensions, want, sameExtension) {
		return ErrContradiction
	}
	return nil
}

func sameExtension(a, b mls.Extension) bool { return a.Type == b.Type && bytes.Equal(a.Data, b.Data) }

// sameIdentities compares members with a list, in any order.
func sameIdentities(members []mls.Member, list []rpc.Identity) bool {
	if len(members) != len(list) {
		return false
	}
	for _, m := range members {
		if len(m.Identity) != len(rpc.Identity{}) || !slices.Contains(list, rpc.Identity(m.Identity)) {
			return false
		}
	}
	return true
}
