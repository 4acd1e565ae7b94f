package convo

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"fmt"
	"time"

	"golang.org/x/crypto/cryptobyte"

	"quicnprotochat/mls"
	"quicnprotochat/node/keys"
	"quicnprotochat/node/store"
	"quicnprotochat/rpc"
)

const (
	extensionVersion = 1
	kindPair         = 1
	// KindGroup is the kind of a group of any number in the GroupContext extension.
	KindGroup = 2
	// maxPairCounter keeps a hostile counter from leaving no higher one.
	maxPairCounter = 1 << 32
)

// EpochID is the name of an epoch: SHA-256("qpc epoch v1" ‖ authenticator)[:16].
func EpochID(ep *mls.Epoch) [16]byte {
	sum := sha256.Sum256(append([]byte("qpc epoch v1"), ep.Authenticator()...))
	return [16]byte(sum[:16])
}

// PairID is the name of the conversation of two people, the same on both sides.
func PairID(a, b rpc.Identity) [16]byte {
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

// pairContext is the GroupContext extension of a conversation of two:
// version 1 ‖ kind 1 ‖ lower identity 32 ‖ higher identity 32 ‖ counter u64.
type pairContext struct {
	lo, hi  rpc.Identity
	counter uint64
}

func (p pairContext) extension() mls.Extension {
	var b cryptobyte.Builder
	b.AddUint8(extensionVersion)
	b.AddUint8(kindPair)
	b.AddBytes(p.lo[:])
	b.AddBytes(p.hi[:])
	b.AddUint64(p.counter)
	return mls.Extension{Type: keys.ConversationExtension, Data: b.BytesOrPanic()}
}

// parsePairContext finds the extension among those of a group.
func parsePairContext(extensions []mls.Extension) (pairContext, error) {
	for _, x := range extensions {
		if x.Type != keys.ConversationExtension {
			continue
		}
		var (
			p             pairContext
			version, kind uint8
		)
		s := cryptobyte.String(x.Data)
		ok := s.ReadUint8(&version) && s.ReadUint8(&kind) && s.CopyBytes(p.lo[:]) && s.CopyBytes(p.hi[:]) &&
			s.ReadUint64(&p.counter) && s.Empty()
		if !ok || version != extensionVersion || kind != kindPair || p.counter == 0 || p.counter > maxPairCounter {
			return p, fmt.Errorf("conversation extension: %w", ErrRefused)
		}
		return p, nil
	}
	return pairContext{}, fmt.Errorf("group of no conversation: %w", ErrRefused)
}

// kindOf is the kind of a group by its extensions, 0 if it has none.
func kindOf(extensions []mls.Extension) byte {
	for _, x := range extensions {
		if x.Type == keys.ConversationExtension && len(x.Data) > 1 && x.Data[0] == extensionVersion {
			return x.Data[1]
		}
	}
	return 0
}

// conversation returns the conversation with peer, made if it is not there.
func (e *Engine) conversation(tx *store.Tx, peer rpc.Identity, now time.Time) (store.Conversation, error) {
	id := PairID(e.self, peer)
	c, err := tx.Conversation(id)
	if !isNotFound(err) {
		return c, err
	}
	c = store.Conversation{ID: id, Peer: peer, Created: now}
	return c, tx.PutConversation(c)
}

// choose makes the best live group of the conversation the one to send in. The
// others are retired. If the choice changed, messages without a receipt move.
func (e *Engine) choose(tx *store.Tx, fx *Effects, c store.Conversation, now time.Time) (store.Conversation, error) {
	groups, err := tx.GroupsOf(c.ID)
	if err != nil {
		return c, err
	}
	var best *store.Group
	for i := range groups {
		if best == nil || better(groups[i], *best) {
			best = &groups[i]
		}
	}
	if best == nil || bytes.Equal(best.ID, c.Group) {
		return c, e.retire(tx, c, groups, now)
	}
	c.Group = best.ID
	if err := tx.PutConversation(c); err != nil {
		return c, err
	}
	if err := e.retire(tx, c, groups, now); err != nil {
		return c, err
	}
	return c, e.move(tx, fx, c)
}

// better is the rule that both sides follow: highest counter, smaller creator,
// smaller group id.
func better(a, b store.Group) bool {
	return cmp.Or(
		cmp.Compare(b.Counter, a.Counter),
		bytes.Compare(a.Creator[:], b.Creator[:]),
		bytes.Compare(a.ID, b.ID),
	) < 0
}

// retire lets all groups but the chosen one receive for a while longer, and
// erases those whose time is over or that are too many. Nobody needs a Welcome to
// them any more. Without a chosen group all stay as they are.
func (e *Engine) retire(tx *store.Tx, c store.Conversation, groups []store.Group, now time.Time) error {
	if len(c.Group) == 0 {
		return nil
	}
	live := len(groups)
	for _, g := range groups {
		if bytes.Equal(g.ID, c.Group) {
			continue
		}
		if err := tx.DeleteOutgoingKind(c.Peer, store.KindWelcome, g.ID); err != nil {
			return err
		}
		var err error
		switch {
		case g.Retire.IsZero() && live <= maxGroups:
			g.Retire = now.Add(retirement)
			err = tx.PutGroup(g)
		case live > maxGroups || now.After(g.Retire):
			live--
			e.Forget(g.Epoch)
			err = tx.DeleteGroup(g.ID)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
