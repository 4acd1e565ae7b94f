package group

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"slices"

	"quicnprotochat/mls"
	"quicnprotochat/node/cards"
	"quicnprotochat/node/convo"
	"quicnprotochat/node/keys"
	"quicnprotochat/node/message"
	"quicnprotochat/rpc"
)

const contextVersion = 1

// ConversationID is the name of the conversation of a group, the same for all
// members.
func ConversationID(group []byte) [16]byte {
	sum := sha256.Sum256(append([]byte("qpc group v1"), group...))
	return [16]byte(sum[:16])
}

// extension is the GroupContext extension of a group: version 1 ‖ kind 2 ‖ profile.
func extension(p message.GroupProfile) (mls.Extension, error) {
	b, err := p.Encode()
	return mls.Extension{Type: keys.ConversationExtension, Data: append([]byte{contextVersion, convo.KindGroup}, b...)}, err
}

// profileIn finds the profile among the extensions of a group.
func profileIn(extensions []mls.Extension) (*message.GroupProfile, error) {
	for _, x := range extensions {
		if x.Type == keys.ConversationExtension && len(x.Data) > 2 && x.Data[0] == contextVersion && x.Data[1] == convo.KindGroup {
			return message.ParseGroupProfile(x.Data[2:])
		}
	}
	return nil, fmt.Errorf("group without a profile: %w", convo.ErrRefused)
}

// withProfile returns extensions with another profile.
func withProfile(extensions []mls.Extension, p message.GroupProfile) ([]mls.Extension, error) {
	x, err := extension(p)
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

// isOf reports whether members and extensions are those of a roster.
func isOf(r *cards.Roster, members []mls.Member, extensions []mls.Extension) bool {
	for _, m := range members {
		if len(m.Identity) != len(rpc.Identity{}) || !bytes.Equal(m.Identity, m.SignatureKey) {
			return false
		}
	}
	profile, err := profileIn(extensions)
	return err == nil && r.Agrees(profile) && slices.Equal(leavesOf(members), r.Leaves())
}
