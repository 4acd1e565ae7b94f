package convo

import (
	"bytes"
	"context"
	"sync"
	"time"

	"quicnprotochat/mls/seal"
	"quicnprotochat/node/convo/news"
	"quicnprotochat/node/store"
	"quicnprotochat/rpc"
)

const (
	// giveUp is how long a message is tried before it is called failed, and giveUpTries
	// for how long at least a program that runs tries it still when it finds that this
	// time is over: by a clock that was just set right it may be.
	giveUp      = 30 * 24 * time.Hour
	giveUpTries = 50 * time.Minute
	// waitingTime is how long a payload that no key opens is kept, and seenTime
	// how long the hash of a processed one.
	waitingTime = 7 * 24 * time.Hour
	seenTime    = 45 * 24 * time.Hour
	// peerKeyTime is how long after its making a person's hybrid key is kept: twice
	// as long as it is good. While the row is there an older key is refused, so it
	// outlasts the older ones even if the clock is off by weeks.
	peerKeyTime = 2 * seal.KeyLifetime
)

// Waiting returns the people whose conversation has messages without a receipt, or
// needs a group.
func (e *Engine) Waiting(ctx context.Context) (ids []rpc.Identity, err error) {
	err = e.cfg.Store.View(ctx, func(tx *store.Tx) error {
		conversations, err := tx.Conversations()
		if err != nil {
			return err
		}
		for _, c := range conversations {
			if IsGroup(c) {
				continue // what waits there is in the outbox
			}
			n, err := tx.CountUnreceipted(c.ID, e.self)
			if err != nil {
				return err
			}
			needs, err := e.needsGroup(tx, c)
			if err != nil {
				return err
			}
			if n > 0 || needs {
				ids = append(ids, c.Peer)
			}
		}
		more, err := e.groups.Waiting(tx)
		ids = append(ids, more...)
		return err
	})
	return ids, err
}

// RenewAges says from what age on rows of the outbox that somebody has taken, and
// that had no effect, are made anew: those that a relay took, and, if the
// person's machine is Seen, those that it took itself.
type RenewAges struct {
	Taken, Stored time.Duration
	Seen          bool
}

// taken returns the rows of the outbox for a person that are of such an age.
func (a RenewAges) taken(tx *store.Tx, peer rpc.Identity, now time.Time) ([]store.Outgoing, error) {
	var direct time.Time
	if a.Seen {
		direct = now.Add(-a.Taken)
	}
	return tx.OutgoingTaken(peer, direct, now.Add(-a.Stored))
}

// Renew makes anew what was taken long ago and had no effect: what was taken may
// be lost or was refused, and the same bytes would be dropped as known. Messages
// are encrypted again; for a Welcome that nobody has used there will be a new
// group.
func (e *Engine) Renew(ctx context.Context, peer rpc.Identity, ages RenewAges) error {
	now := e.cfg.Store.Now()
	var due []store.Outgoing
	err := e.cfg.Store.Glance(ctx, func(tx *store.Tx) (err error) {
		due, err = ages.taken(tx, peer, now)
		return err
	})
	if err != nil || len(due) == 0 {
		return err
	}
	return e.Update(ctx, func(tx *store.Tx, fx *news.Effects) error {
		due, err := ages.taken(tx, peer, now)
		if err != nil {
			return err
		}
		for _, row := range due {
			if err := e.renew(tx, fx, row, now); err != nil {
				return err
			}
		}
		return nil
	})
}

func (e *Engine) renew(tx *store.Tx, fx *news.Effects, row store.Outgoing, now time.Time) error {
	if row.Kind == store.KindIntroduction || row.Kind == store.KindWelcome {
		e.doubted.set(row.Recipient, true)
	}
	if c, err := tx.Conversation(row.Conversation); err == nil && IsGroup(c) {
		return e.groups.Renew(tx, fx, row)
	}
	switch row.Kind {
	case store.KindIntroduction:
		contact, err := tx.Contact(row.Recipient)
		if err != nil {
			return err
		}
		return e.Introduce(tx, fx, contact, now)
	case store.KindWelcome:
		n, err := tx.CountUnreceipted(row.Conversation, e.self)
		if err != nil || n == 0 {
			return err // nobody misses the group
		}
		return e.startOver(tx, fx, row.Conversation, row.Group)
	case store.KindMessage:
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
		return e.encrypt(tx, fx, c, m)
	}
	return nil
}

// startOver lets a conversation that sends in a group wait for a new one: nothing
// tells that the person got into the group, for its key package may have been used
// up, or the Welcome refused or lost; or we cannot read what it sends there. The
// old group stays until the new one is chosen, which has a higher counter.
func (e *Engine) startOver(tx *store.Tx, fx *news.Effects, conversation [16]byte, group []byte) error {
	c, err := tx.Conversation(conversation)
	if err != nil || !bytes.Equal(c.Group, group) {
		return err
	}
	c.Group = nil
	fx.Send(c.Peer)
	return tx.PutConversation(c)
}

// Sweep erases what has had its time: groups that only received, payloads that
// no key opened, remembered hashes, key packages, others' hybrid keys, passes, and
// private halves of our own hybrid keys. Messages that found nobody for 30 days are
// called failed, at the second look. It also gives out new passes when it is time.
func (e *Engine) Sweep(ctx context.Context) error {
	now := e.cfg.Store.Now()
	// Also where nobody asks for the present key: the old ones must go.
	if _, err := e.cfg.Keys.Hybrid(ctx, now); err != nil {
		return err
	}
	before, still := e.overdue.get(), make(since)
	err := e.Update(ctx, func(tx *store.Tx, fx *news.Effects) error {
		if err := tx.DropWaiting(now.Add(-waitingTime)); err != nil {
			return err
		}
		if err := tx.ForgetSeen(now.Add(-seenTime)); err != nil {
			return err
		}
		if err := tx.ForgetRefused(now.Add(-refusedTime)); err != nil {
			return err
		}
		if err := tx.DropErased(now.Add(-erasedTime)); err != nil {
			return err
		}
		if err := tx.DeleteExpiredKeyPackages(now); err != nil {
			return err
		}
		if err := tx.DropPeerHybridKeys(now.Add(-peerKeyTime)); err != nil {
			return err
		}
		if err := tx.DropPasses(now); err != nil {
			return err
		}
		if err := e.RenewPasses(tx, fx, now); err != nil {
			return err
		}
		conversations, err := tx.Conversations()
		if err != nil {
			return err
		}
		for _, c := range conversations {
			if err := e.sweep(tx, fx, c, now, before, still); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		e.overdue.set(still)
	}
	return err
}

// overdue is since when Sweep has found that the time of own messages is over, which are
// tried still, by the time that goes on evenly.
type overdue struct {
	// mu guards the field below, which is replaced and never changed.
	mu    sync.Mutex
	since since
}

// since is of messages by their places.
type since map[[2][16]byte]time.Time

func (o *overdue) get() since {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.since
}

func (o *overdue) set(s since) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.since = s
}

// sweep is the part of Sweep for one conversation. What was overdue before goes into
// still, if it is tried still.
func (e *Engine) sweep(tx *store.Tx, fx *news.Effects, c store.Conversation, now time.Time, before, still since) error {
	groups, err := tx.GroupsOf(c.ID)
	if err != nil {
		return err
	}
	if !IsGroup(c) {
		if err := e.retire(tx, c, groups, now); err != nil {
			return err
		}
	}
	messages, err := tx.Unreceipted(c.ID, e.self)
	if err != nil {
		return err
	}
	for _, m := range messages {
		if now.Sub(m.Stored) < giveUp {
			continue
		}
		place := [2][16]byte{c.ID, m.ID}
		at, ok := before[place]
		if !ok {
			at = time.Now()
		}
		if time.Since(at) < giveUpTries {
			still[place] = at
			continue
		}
		if err := tx.DeleteOutgoingMessage(c.ID, m.ID); err != nil {
			return err
		}
		m.State, m.Why = StateFailed, "given up: nothing came back from them for 30 days"
		if err := tx.SetMessageState(m); err != nil {
			return err
		}
		fx.Show(news.Event{Kind: news.EventState, Peer: c.Peer, Message: m})
	}
	return nil
}
