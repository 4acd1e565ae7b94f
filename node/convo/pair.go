package convo

import (
	"bytes"
	"crypto/sha256"
	"time"

	"quicnprotochat/mls"
	"quicnprotochat/node/convo/news"
	"quicnprotochat/node/convo/pair"
	"quicnprotochat/node/store"
	"quicnprotochat/rpc"
)

// EpochID is the name of an epoch: SHA-256("qpc epoch v1" ‖ authenticator)[:16].
func EpochID(ep *mls.Epoch) [16]byte {
	sum := sha256.Sum256(append([]byte("qpc epoch v1"), ep.Authenticator()...))
	return [16]byte(sum[:16])
}

// conversation returns the conversation with peer, made if it is not there.
func (e *Engine) conversation(tx *store.Tx, peer rpc.Identity, now time.Time) (store.Conversation, error) {
	id := pair.ID(e.self, peer)
	c, err := tx.Conversation(id)
	if !store.IsNotFound(err) {
		return c, err
	}
	c = store.Conversation{ID: id, Peer: peer, Created: now}
	return c, tx.PutConversation(c)
}

// choose makes the best live group of the conversation the one to send in. The
// others are retired. If the choice changed, messages without a receipt move.
func (e *Engine) choose(tx *store.Tx, fx *news.Effects, c store.Conversation, now time.Time) (store.Conversation, error) {
	groups, err := tx.GroupsOf(c.ID)
	if err != nil {
		return c, err
	}
	var best *store.Group
	for i := range groups {
		if best == nil || pair.Better(groups[i], *best) {
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
