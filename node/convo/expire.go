package convo

import (
	"context"
	"time"

	"quicnprotochat/node/convo/news"
	"quicnprotochat/node/store"
	"quicnprotochat/node/timeline"
	"quicnprotochat/rpc"
)

const (
	// lookAgain is the longest time between two looks for messages to disappear, or to be
	// put into the index of the search: a machine may have slept, or its clock been set.
	lookAgain = time.Minute
	// indexAgain is the time between two parts of a long work at that index.
	indexAgain = 100 * time.Millisecond
	// erasedTime is how long it is remembered that a message was here that is
	// erased: nobody sends it again after that.
	erasedTime = 60 * 24 * time.Hour
)

// Run erases messages whose time is over, and keeps the index of the search nearly up to
// date so that no search has much to do first, until ctx ends.
func (e *Engine) Run(ctx context.Context) error {
	for {
		wait := lookAgain
		next, err := e.expire(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			e.cfg.Log.Error("erase messages whose time is over", "err", err)
		case !next.IsZero():
			wait = max(min(wait, next.Sub(e.cfg.Store.Now())), time.Millisecond)
		}
		more, err := e.indexSome(ctx)
		if err != nil && ctx.Err() == nil {
			e.cfg.Log.Error("put messages into the index of the search", "err", err)
		}
		if more && err == nil {
			wait = min(wait, indexAgain)
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		case <-e.Expiring():
		}
		timer.Stop()
	}
}

// expire erases what has had its time and returns when there is more to erase; zero:
// nothing is to be.
func (e *Engine) expire(ctx context.Context) (next time.Time, err error) {
	err = e.cfg.Store.Glance(ctx, func(tx *store.Tx) error {
		next, err = tx.NextExpiry()
		return err
	})
	if err != nil || next.IsZero() || next.After(e.cfg.Store.Now()) {
		return next, err
	}
	err = e.Update(ctx, func(tx *store.Tx, fx *news.Effects) error {
		var gone []store.Message
		gone, next, err = timeline.Expire(tx, tx.Now())
		for _, m := range gone {
			fx.Show(news.Event{Kind: news.EventChanged, Peer: m.Author, Message: m, Change: news.Vanished})
		}
		return err
	})
	return next, err
}

// Hide removes an entry of a conversation here alone.
func (e *Engine) Hide(ctx context.Context, m store.Message) error {
	return e.Update(ctx, func(tx *store.Tx, fx *news.Effects) error {
		if err := timeline.Forget(tx, m, tx.Now()); err != nil {
			return err
		}
		m.Body, m.Erased, m.Hidden = nil, tx.Now(), true
		fx.Show(news.Event{Kind: news.EventChanged, Peer: e.self, Message: m, Change: news.Deleted})
		return nil
	})
}

// Adjust changes how a conversation is set here, that with peer even if nothing was
// said there yet.
func (e *Engine) Adjust(ctx context.Context, conversation [16]byte, peer rpc.Identity, change func(*store.Conversation)) error {
	return e.Update(ctx, func(tx *store.Tx, _ *news.Effects) error {
		c, err := tx.Conversation(conversation)
		if store.IsNotFound(err) {
			c, err = e.conversation(tx, peer, tx.Now())
		}
		if err != nil {
			return err
		}
		change(&c)
		return tx.PutConversation(c)
	})
}

// Rename calls a contact by another name here. It returns store.ErrExists if another
// contact has that.
func (e *Engine) Rename(ctx context.Context, id rpc.Identity, name string) error {
	return e.Update(ctx, func(tx *store.Tx, fx *news.Effects) error {
		c, err := tx.Contact(id)
		if store.IsNotFound(err) {
			return ErrUnknownContact
		}
		if err != nil || c.Name == name {
			return err
		}
		c.Name = name
		fx.Show(news.Event{Kind: news.EventContact, Peer: c.Identity, Contact: c})
		return tx.PutContact(c)
	})
}
