package mls

// A groupContext is GroupContext of RFC 9420, §8.1: what all members of an
// epoch agree on.
type groupContext struct {
	suite          Suite
	groupID        []byte
	epoch          uint64
	treeHash       []byte
	transcriptHash []byte // confirmed_transcript_hash
	extensions     []Extension
}

func (c *groupContext) encode(w *writer) {
	w.u16(version10)
	w.u16(uint16(c.suite))
	w.vec(c.groupID)
	w.u64(c.epoch)
	w.vec(c.treeHash)
	w.vec(c.transcriptHash)
	encodeExtensions(w, c.extensions)
}

func decodeGroupContext(r *reader) *groupContext {
	if r.u16() != version10 {
		r.fail()
	}
	return &groupContext{
		suite:          Suite(r.u16()),
		groupID:        r.vec(),
		epoch:          r.u64(),
		treeHash:       r.vec(),
		transcriptHash: r.vec(),
		extensions:     decodeExtensions(r),
	}
}
