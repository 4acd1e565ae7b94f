package convo

import (
	"context"
	"errors"
	"time"

	"quicnprotochat/node/convo/news"
	"quicnprotochat/node/store"
	"quicnprotochat/node/tries"
	"quicnprotochat/rpc"
	"quicnprotochat/transport"
)

// ReceiptTry says, among what was tried for a message, that its receipt came back
// and on which path.
func ReceiptTry(via string) []byte {
	return tries.Encode([]tries.Try{{
		Way: tries.Receipt, At: time.Now(), Path: transport.Path(via), OK: true, Result: "their receipt came back",
	}})
}

// JoinTries adds what was tried, see package tries, to the list of a message.
func JoinTries(list, more []byte) []byte {
	return tries.Encode(tries.Join(tries.Decode(list), tries.Decode(more)))
}

// Stored notes that a relay has taken a payload, and what was tried for it.
func (e *Engine) Stored(ctx context.Context, out store.Outgoing, relay transport.Key, why string, tried []tries.Try) error {
	to := store.Message{State: StateStored, Path: PathMailbox, Relay: relay, Why: why, Tries: tries.Encode(tried)}
	return e.durable(ctx, out, to,
		func(tx *store.Tx) error { return tx.MarkStored(out.ID, relay, tx.Now()) })
}

// Direct notes that the person's own node has taken a payload, and what was tried
// for it.
func (e *Engine) Direct(ctx context.Context, out store.Outgoing, path transport.Path, why string, tried []tries.Try) error {
	to := store.Message{State: StateDirect, Path: string(path), Why: why, Tries: tries.Encode(tried)}
	return e.durable(ctx, out, to,
		func(tx *store.Tx) error { return tx.MarkDirect(out.ID, tx.Now()) })
}

func (e *Engine) durable(ctx context.Context, out store.Outgoing, to store.Message, mark func(*store.Tx) error) error {
	return e.Follow(ctx, func(tx *store.Tx, fx *news.Effects) error {
		if err := mark(tx); store.IsNotFound(err) {
			return e.notePath(tx, fx, out, to)
		} else if err != nil {
			return err
		}
		if out.Kind == store.KindControl {
			return tx.DeleteOutgoing(out.ID) // never receipted
		}
		if out.Kind != store.KindMessage {
			return nil
		}
		m, err := tx.Message(out.Conversation, e.self, out.Message)
		if store.IsNotFound(err) {
			return nil // another one of ours has taken its place meanwhile
		}
		if err != nil {
			return err
		}
		if c, err := tx.Conversation(out.Conversation); err != nil || IsGroup(c) {
			return errors.Join(err, e.groups.Progress(tx, fx, out, to))
		}
		m.Tries = JoinTries(m.Tries, to.Tries)
		if !Better(to.State, m.State) {
			return tx.SetMessageState(m) // a copy: what was tried is all that is new
		}
		return e.advance(tx, fx, m, to)
	})
}

// notePath notes the path of a message whose receipt was faster.
func (e *Engine) notePath(tx *store.Tx, fx *news.Effects, out store.Outgoing, to store.Message) error {
	if out.Kind != store.KindMessage {
		return nil
	}
	if c, err := tx.Conversation(out.Conversation); err != nil || IsGroup(c) {
		return err
	}
	m, err := tx.Message(out.Conversation, e.self, out.Message)
	if store.IsNotFound(err) {
		return nil
	}
	if err != nil || m.Path != pathNone || rank[m.State] < rank[StateDelivered] {
		return err
	}
	m.Path, m.Relay, m.Tries = to.Path, to.Relay, JoinTries(m.Tries, to.Tries)
	fx.Show(news.Event{Kind: news.EventState, Peer: out.Recipient, Message: m})
	return tx.SetMessageState(m)
}

// Stuck notes why messages are not on their way yet, and what was tried.
func (e *Engine) Stuck(ctx context.Context, peer rpc.Identity, why string, tried []tries.Try) error {
	return e.Follow(ctx, func(tx *store.Tx, fx *news.Effects) error {
		c, err := tx.ConversationOf(peer)
		if store.IsNotFound(err) {
			return nil
		}
		if err != nil {
			return err
		}
		messages, err := tx.Unreceipted(c.ID, e.self)
		if err != nil {
			return err
		}
		for _, m := range messages {
			if m.State != StateQueued || m.Why == why {
				continue
			}
			m.Why = why
			m.Tries = JoinTries(m.Tries, tries.Encode(tries.Between(tried, m.Sent, time.Time{})))
			if err := tx.SetMessageState(m); err != nil {
				return err
			}
			fx.Show(news.Event{Kind: news.EventState, Peer: peer, Message: m})
		}
		return nil
	})
}
