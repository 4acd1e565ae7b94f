package convo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"quicnprotochat/mls"
	"quicnprotochat/node/convo/news"
	"quicnprotochat/node/known"
	"quicnprotochat/node/message"
	"quicnprotochat/node/store"
	"quicnprotochat/rpc"
)

// What is taken of somebody who asks to be a contact, until the user answers: one
// Introduction, one Welcome, and one text.
const (
	// maxRequestText is the longest text of one of them, in bytes.
	maxRequestText = 1 << 10
	// refusedTime is how long it is remembered that the user said no: who asks again
	// in that time is not heard.
	refusedTime = 30 * 24 * time.Hour
)

// askText stores the one text that somebody may send who asks.
func (e *Engine) askText(tx *store.Tx, fx *news.Effects, c store.Conversation, app mls.Application) error {
	parsed, err := message.Parse(app.Data)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	if parsed.Type != message.Chat || len(parsed.Text) > maxRequestText {
		return fmt.Errorf("%w: not a short text, of somebody who asks to be a contact", ErrRefused)
	}
	entries, err := tx.History(c.ID, nil, 1)
	if err != nil {
		return err
	}
	if len(entries) > 0 && entries[0].ID != parsed.ID {
		return fmt.Errorf("%w: another text of somebody who asks to be a contact", ErrRefused)
	}
	if err := e.accept(tx, fx, c, c.Peer, app); err != nil {
		return err
	}
	fx.Ask(c.Peer) // the receipt is paid when the user says yes
	return nil
}

// Refuse says no to somebody who asks: what was said is erased, and what comes next is
// not heard for a while, or if block is set for good.
func (e *Engine) Refuse(ctx context.Context, id rpc.Identity, block bool) error {
	now := e.cfg.Store.Now()
	return e.Update(ctx, func(tx *store.Tx, _ *news.Effects) error {
		r, err := tx.Request(id)
		if store.IsNotFound(err) {
			return known.ErrNoRequest
		}
		if err != nil {
			return err
		}
		r.Refused, r.Card, r.Name = now, nil, ""
		if err := tx.PutRequest(r); err != nil {
			return err
		}
		if block {
			if err := tx.Block(id, now); err != nil {
				return err
			}
		}
		return e.forgetTalk(tx, id)
	})
}

// forgetTalk erases the one-to-one conversation of somebody whom we have not answered.
func (e *Engine) forgetTalk(tx *store.Tx, id rpc.Identity) error {
	c, err := tx.ConversationOf(id)
	if store.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	entries, err := tx.History(c.ID, nil, 0)
	if err != nil {
		return err
	}
	for _, m := range entries {
		if err := tx.DeleteMessage(c.ID, m.Author, m.ID); err != nil {
			return err
		}
	}
	due, err := tx.ReceiptsDue(id)
	for _, d := range due {
		if err == nil && d.Conversation == c.ID {
			err = tx.DeleteReceiptsDue([]store.ReceiptDue{d})
		}
	}
	groups, err2 := tx.GroupsOf(c.ID)
	if err = errors.Join(err, err2); err != nil {
		return err
	}
	for _, g := range groups {
		e.Forget(g.Epoch)
		if err := tx.DeleteGroup(g.ID); err != nil {
			return err
		}
	}
	c.Group = nil
	return tx.PutConversation(c)
}
