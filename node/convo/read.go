package convo

import (
	"context"
	"math"

	"quicnprotochat/node/convo/news"
	"quicnprotochat/node/message"
	"quicnprotochat/node/store"
	"quicnprotochat/node/timeline"
	"quicnprotochat/rpc"
)

// Read notes that the user was shown a conversation up to the entry of that id, or all
// of it if last is nil. If tell is true, it owes the authors receipts, unless they are
// off there. An id that is not there does nothing.
func (e *Engine) Read(ctx context.Context, conversation [16]byte, last *[16]byte, tell bool) error {
	for more := true; more; {
		err := e.Update(ctx, func(tx *store.Tx, fx *news.Effects) (err error) {
			more, err = e.read(tx, fx, conversation, last, tell)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (e *Engine) read(tx *store.Tx, fx *news.Effects, conversation [16]byte, last *[16]byte, tell bool) (more bool, err error) {
	end := store.Position{Lamport: math.MaxUint64}
	if last != nil {
		found, err := tx.MessagesOf(conversation, *last)
		if err != nil || len(found) == 0 {
			return false, err
		}
		end = found[len(found)-1].Position()
	}
	c, err := tx.Conversation(conversation)
	if store.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	entries, more, err := timeline.Read(tx, conversation, end, tx.Now())
	if err != nil {
		return false, err
	}
	for _, m := range entries {
		if !m.Expires.IsZero() {
			fx.Expires()
		}
		if !tell || c.NoReadReceipts || message.Type(m.Type) == message.Timer || !m.Erased.IsZero() {
			continue
		}
		fx.Owed(m.Author)
		due := store.ReceiptDue{Conversation: c.ID, Author: m.Author, Counter: m.Counter, Read: true}
		if err := tx.AddReceiptDue(due); err != nil {
			return false, err
		}
	}
	return more, nil
}

// wasRead takes a receipt of what somebody has read.
func (e *Engine) wasRead(tx *store.Tx, fx *news.Effects, m *message.Control, r *message.Read) error {
	c, contact, err := e.from(tx, fx, m, r.Head)
	if err != nil {
		return err
	}
	if err := e.InGroup(tx, contact, m.Group); err != nil {
		return err
	}
	return e.reached(tx, fx, c, m.Sender, (*message.Receipt)(r), StateRead)
}

// readOne takes the application message that says that one message was read.
func (e *Engine) readOne(tx *store.Tx, fx *news.Effects, c store.Conversation, by rpc.Identity, id [16]byte) error {
	own, err := tx.Message(c.ID, e.self, id)
	if store.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	var ranges message.Ranges
	ranges.Add(own.Counter)
	return e.reached(tx, fx, c, by, &message.Receipt{Author: e.self, Ranges: ranges}, StateRead)
}

// typing tells that a member is typing, if it says so now.
func (e *Engine) typing(tx *store.Tx, fx *news.Effects, m *message.Control) error {
	if fx.In.Via == PathMailbox {
		return nil // it was true at some time
	}
	g, err := tx.Group(m.Group)
	if err != nil {
		if store.IsNotFound(err) {
			err = ErrRefused
		}
		return err
	}
	c, _, err := e.from(tx, fx, m, g.Epoch)
	if err == nil {
		fx.Show(news.Event{Kind: news.EventTyping, Peer: m.Sender, Conversation: c})
	}
	return err
}

// maxTyping is the largest conversation, in others than ourselves, that is told when
// somebody is typing.
const maxTyping = 31

// Typing returns what tells those in a conversation that our user is typing, by whom
// it is for: to be sent to those whose machine is connected, and not kept. In large
// groups, and before a conversation has begun, nobody is told.
func (e *Engine) Typing(ctx context.Context, conversation [16]byte) (notes map[rpc.Identity][]byte, err error) {
	notes = make(map[rpc.Identity][]byte)
	err = e.cfg.Store.Glance(ctx, func(tx *store.Tx) error {
		c, err := tx.Conversation(conversation)
		if store.IsNotFound(err) || err == nil && len(c.Group) == 0 {
			return nil
		}
		if err != nil {
			return err
		}
		g, err := tx.Group(c.Group)
		if err != nil {
			return err
		}
		people := []rpc.Identity{c.Peer}
		if IsGroup(c) {
			if people, err = e.groups.Others(tx, c); err != nil || len(people) > maxTyping {
				return err
			}
		}
		for _, to := range people {
			control, err := e.Signed(to, g.ID, &message.TypingNote{})
			if err != nil {
				return err
			}
			payload, err := e.sealReceipt(tx, g, to, control)
			if err != nil {
				return err
			}
			if payload != nil {
				notes[to] = payload
			}
		}
		return nil
	})
	return notes, err
}
