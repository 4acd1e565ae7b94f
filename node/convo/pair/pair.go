package pair

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"fmt"

	"golang.org/x/crypto/cryptobyte"

	"quicnprotochat/mls"
	"quicnprotochat/node/keys"
	"quicnprotochat/node/message"
	"quicnprotochat/node/store"
	"quicnprotochat/rpc"
)

// maxCounter keeps a hostile counter from leaving no higher one.
const maxCounter = 1 << 32

// ID is the name of the conversation of two people, the same on both sides.
func ID(a, b rpc.Identity) [16]byte {
	lo, hi := order(a, b)
	sum := sha256.Sum256(bytes.Join([][]byte{[]byte("qpc pair v1"), lo[:], hi[:]}, nil))
	return [16]byte(sum[:16])
}

func order(a, b rpc.Identity) (lo, hi rpc.Identity) {
	if bytes.Compare(a[:], b[:]) > 0 {
		return b, a
	}
	return a, b
}

// Context is what the GroupContext of a conversation of two says of it: lower identity
// 32 ‖ higher identity 32 ‖ counter u64.
type Context struct {
	lo, hi rpc.Identity
	// Counter grows with each group of the two.
	Counter uint64
}

// NewContext returns that of a group of two people.
func NewContext(a, b rpc.Identity, counter uint64) Context {
	lo, hi := order(a, b)
	return Context{lo, hi, counter}
}

// Of reports whether it is that of these two.
func (c Context) Of(a, b rpc.Identity) bool {
	lo, hi := order(a, b)
	return c.lo == lo && c.hi == hi
}

// Extension is the GroupContext extension.
func (c Context) Extension() mls.Extension {
	var b cryptobyte.Builder
	b.AddBytes(c.lo[:])
	b.AddBytes(c.hi[:])
	b.AddUint64(c.Counter)
	return keys.Extension(keys.KindPair, b.BytesOrPanic())
}

// Parse finds the extension among those of a group.
func Parse(extensions []mls.Extension) (Context, error) {
	kind, content := keys.Conversation(extensions)
	if kind == 0 {
		return Context{}, fmt.Errorf("group of no conversation: %w", message.ErrRefused)
	}
	var c Context
	s := cryptobyte.String(content)
	ok := s.CopyBytes(c.lo[:]) && s.CopyBytes(c.hi[:]) && s.ReadUint64(&c.Counter) && s.Empty()
	if !ok || kind != keys.KindPair || c.Counter == 0 || c.Counter > maxCounter {
		return c, fmt.Errorf("conversation extension: %w", message.ErrRefused)
	}
	return c, nil
}

// Better is the rule that both sides follow to send in the same one of their groups:
// highest counter, smaller creator, smaller group id.
func Better(a, b store.Group) bool {
	return cmp.Or(
		cmp.Compare(b.Counter, a.Counter),
		bytes.Compare(a.Creator[:], b.Creator[:]),
		bytes.Compare(a.ID, b.ID),
	) < 0
}
