package convo

import (
	"context"
	"time"

	"quicnprotochat/node/store"
	"quicnprotochat/rpc"
)

const (
	// giveUp is how long a message is tried before it is called failed.
	giveUp = 30 * 24 * time.Hour
	// waitingTime is how long a payload that no key opens is kept, and seenTime
	// how long the hash of a processed one.
	waitingTime = 7 * 24 * time.Hour
	seenTime    = 45 * 24 * time.Hour
)

// Waiting returns the people whose conversation has messages without a receipt.
func (e *Engine) Waiting(ctx context.Context) (ids []rpc.Identity, err error) {
	err = e.cfg.Store.View(ctx, func(tx *store.Tx) error {
		conversations, err := tx.Conversations()
		if err != nil {
			return err
		}
		for _, c := range conversations {
			n, err := tx.CountUnreceipted(c.ID, e.self)
			if err != nil {
				return err
			}
			if n > 0 {
				ids = append(ids, c.Peer)
			}
		}
		return nil
	})
	return ids, err
}

// RenewAges says from what age on messages that somebody has taken, and nobody
// receipted, are encrypted again: those that a relay took, and, if the person's
// machine is Seen, those that it took itself.
type RenewAges struct {
	Taken, Stored time.Duration
	Seen          bool
}

// due reports whether a row of the outbox is of such an age.
func (a RenewAges) due(row store.Outgoing, now time.Time) bool {
	if row.Kind != store.KindMessage {
		return false
	}
	taken := !row.DirectAt.IsZero() && a.Seen && now.Sub(row.DirectAt) > a.Taken
	stored := !row.StoredAt.IsZero() && now.Sub(row.StoredAt) > a.Stored
	return taken || stored
}

// Renew encrypts messages to a person again that were taken long ago and have no
// receipt: what was taken may be lost, and the same bytes would be dropped as
// known.
func (e *Engine) Renew(ctx context.Context, peer rpc.Identity, ages RenewAges) error {
	now := time.Now()
	find := func(tx *store.Tx) (due []store.Outgoing, err error) {
		rows, err := tx.OutgoingFor(peer, 0)
		for _, row := range rows {
			if ages.due(row, now) {
				due = append(due, row)
			}
		}
		return due, err
	}
	var due []store.Outgoing
	err := e.cfg.Store.View(ctx, func(tx *store.Tx) (err error) {
		due, err = find(tx)
		return err
	})
	if err != nil || len(due) == 0 {
		return err
	}
	return e.update(ctx, func(tx *store.Tx, fx *effects) error {
		due, err := find(tx)
		if err != nil {
			return err
		}
		for _, row := range due {
			m, err := tx.Message(row.Conversation, e.self, row.Message)
			if err != nil {
				return err
			}
			c, err := tx.Conversation(row.Conversation)
			if err != nil {
				return err
			}
			if err := tx.DeleteOutgoingMessage(c.ID, m.ID); err != nil {
				return err
			}
			if err := e.encrypt(tx, c, m); err != nil {
				return err
			}
		}
		return nil
	})
}

// Sweep erases what has had its time: groups that only received, payloads that
// no key opened, remembered hashes, key packages. Messages that found nobody for
// 30 days are called failed.
func (e *Engine) Sweep(ctx context.Context) error {
	now := time.Now()
	return e.update(ctx, func(tx *store.Tx, fx *effects) error {
		if err := tx.DropWaiting(now.Add(-waitingTime)); err != nil {
			return err
		}
		if err := tx.ForgetSeen(now.Add(-seenTime)); err != nil {
			return err
		}
		if err := tx.DeleteExpiredKeyPackages(now); err != nil {
			return err
		}
		if err := tx.DropEndpoints(now); err != nil {
			return err
		}
		conversations, err := tx.Conversations()
		if err != nil {
			return err
		}
		for _, c := range conversations {
			if err := e.sweep(tx, fx, c, now); err != nil {
				return err
			}
		}
		return nil
	})
}

func (e *Engine) sweep(tx *store.Tx, fx *effects, c store.Conversation, now time.Time) error {
	groups, err := tx.GroupsOf(c.ID)
	if err != nil {
		return err
	}
	if err := e.retire(tx, groups, c.Group, now); err != nil {
		return err
	}
	messages, err := tx.Unreceipted(c.ID, e.self)
	if err != nil {
		return err
	}
	for _, m := range messages {
		if now.Sub(m.Stored) < giveUp {
			continue
		}
		if err := tx.DeleteOutgoingMessage(c.ID, m.ID); err != nil {
			return err
		}
		m.State, m.Why = StateFailed, "expired: no receipt for 30 days"
		if err := tx.SetMessageState(m.Conversation, m.Author, m.ID, m.State, m.Path, m.Relay, m.Why); err != nil {
			return err
		}
		fx.events = append(fx.events, Event{Kind: EventState, Peer: c.Peer, Message: m})
	}
	return nil
}
