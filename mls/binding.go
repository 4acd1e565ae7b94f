package mls

import (
	"crypto/sha256"
	"fmt"
)

// Binding is a name of the epoch that those too can check who only have its
// GroupInfo: SHA-256 over the GroupContext and the confirmation tag, each behind
// its length. Two epochs do not share it, and all members of one have the same.
func (e *Epoch) Binding() [32]byte { return bindingOf(e.encoded, e.tag) }

func bindingOf(context, tag []byte) [32]byte {
	var w writer
	w.vec(context)
	w.vec(tag)
	return sha256.Sum256(w.b)
}

// GroupInfoOf says which epoch a GroupInfo, an MLSMessage, is of. Its signature
// and its tree are not checked: ParseGroupInfo does that.
func GroupInfoOf(groupInfo []byte) (groupID []byte, epoch uint64, binding [32]byte, err error) {
	m, err := decodeMessageOf(groupInfo, WireGroupInfo)
	if err != nil {
		return nil, 0, binding, fmt.Errorf("group info: %w", err)
	}
	c := m.groupInfo.context
	return c.groupID, c.epoch, bindingOf(encoded(c), m.groupInfo.confirmationTag), nil
}
