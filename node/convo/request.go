package convo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"quicnprotochat/mls"
	"quicnprotochat/node/contact"
	"quicnprotochat/node/message"
	"quicnprotochat/node/store"
	"quicnprotochat/rpc"
	"quicnprotochat/transport"
)

// What is taken of somebody who asks to be a contact, until the user answers: one
// introduction, one Welcome, and one text.
const (
	// MaxRequests is how many may ask at a time.
	MaxRequests = 50
	// maxRequestText is the longest text of one of them, in bytes.
	maxRequestText = 1 << 10
	// refusedTime is how long it is remembered that the user said no: who asks again
	// in that time is not heard.
	refusedTime = 30 * 24 * time.Hour
)

// ViaRequest is how those became contacts who asked.
const ViaRequest = "request"

// ErrNoRequest means somebody who does not ask.
var ErrNoRequest = errors.New("no such request")

// asks keeps that somebody asks to be a contact; card may be nil.
func (e *Engine) asks(tx *store.Tx, fx *Effects, id rpc.Identity, via string, card *contact.Card, raw []byte) (store.Request, error) {
	r, err := tx.Request(id)
	isNew := isNotFound(err)
	if err != nil && !isNew {
		return r, err
	}
	if !r.Refused.IsZero() {
		return r, fmt.Errorf("%w: of somebody who was refused", ErrRefused)
	}
	if isNew {
		waiting, err := tx.Requests()
		if err != nil {
			return r, err
		}
		if len(waiting) >= MaxRequests {
			return r, fmt.Errorf("%w: too many ask already", ErrRefused)
		}
		r = store.Request{Identity: id, Via: via, At: tx.Now()}
		fx.events = append(fx.events, Event{Kind: EventRequest, Peer: id})
	}
	if card != nil {
		r.Name, r.Card = contact.CleanName(card.Name), raw
	}
	return r, tx.PutRequest(r)
}

// asking returns the request that somebody's one-to-one conversation is one of, if we
// do not know that person otherwise and have not written there ourselves.
func (e *Engine) asking(tx *store.Tx, fx *Effects, id rpc.Identity) (asks bool, r store.Request, err error) {
	c, err := tx.Contact(id)
	via := ViaRequest
	switch {
	case err == nil && c.Via == ViaGroup:
		via = ViaGroup
		talk, err := tx.ConversationOf(id)
		if err == nil && talk.Counter > 0 || err != nil && !isNotFound(err) {
			return false, r, err
		}
	case err == nil || !isNotFound(err):
		return false, r, err
	}
	r, err = e.asks(tx, fx, id, via, nil, nil)
	return true, r, err
}

// askText stores the one text that somebody may send who asks.
func (e *Engine) askText(tx *store.Tx, fx *Effects, c store.Conversation, app mls.Application) error {
	parsed, err := message.Parse(app.Data)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	if parsed.Type != message.Chat || len(parsed.Text) > maxRequestText {
		return fmt.Errorf("%w: not a short text, of somebody who asks to be a contact", ErrRefused)
	}
	lines, err := tx.History(c.ID, nil, 1)
	if err != nil {
		return err
	}
	if len(lines) > 0 && lines[0].ID != parsed.ID {
		return fmt.Errorf("%w: another text of somebody who asks to be a contact", ErrRefused)
	}
	before := len(fx.events)
	if err := e.accept(tx, fx, c, c.Peer, app); err != nil {
		return err
	}
	fx.events = append(fx.events[:before], Event{Kind: EventRequest, Peer: c.Peer})
	delete(fx.receipts, c.Peer) // it is owed, and paid when the user says yes
	return nil
}

// settle makes a contact of somebody who asked: it gets our card and the receipts that
// it is owed. Nothing happens if it did not ask.
func (e *Engine) settle(tx *store.Tx, fx *Effects, c store.Contact, now time.Time) (store.Contact, error) {
	r, err := tx.Request(c.Identity)
	if isNotFound(err) {
		return c, nil
	}
	if err != nil {
		return c, err
	}
	if c.Via == ViaGroup {
		c.Via = ViaRequest
	}
	c.Introduced = c.Introduced || len(r.Card) > 0
	if card, err := contact.ParseCard(r.Card); err == nil {
		c.Card = Newer(c.Card, card, r.Card)
	}
	if err := tx.PutContact(c); err != nil {
		return c, err
	}
	if err := tx.DeleteRequest(c.Identity); err != nil {
		return c, err
	}
	fx.contacts = append(fx.contacts, c)
	fx.receipts[c.Identity] = true
	if !c.Introduced {
		return c, nil
	}
	return c, e.sendCard(tx, fx, c.Identity, now)
}

// Accept makes a contact of somebody who asks. It returns ErrNoRequest for others.
func (e *Engine) Accept(ctx context.Context, id rpc.Identity) (c store.Contact, err error) {
	now := e.cfg.Store.Now()
	err = e.update(ctx, func(tx *store.Tx, fx *Effects) error {
		r, err := tx.Request(id)
		if isNotFound(err) {
			return ErrNoRequest
		}
		if err != nil {
			return err
		}
		if c, err = tx.Contact(id); isNotFound(err) {
			c = store.Contact{Identity: id, Via: ViaRequest, Added: now}
			name := r.Name
			if name == "" {
				name = transport.Key(id).String()
			}
			c.Name, err = tx.FreeName(name)
		}
		if err != nil {
			return err
		}
		fx.events = append(fx.events, Event{Kind: EventContact, Peer: id, Contact: c})
		c, err = e.settle(tx, fx, c, now)
		return err
	})
	return c, err
}

// Refuse says no to somebody who asks: what was said is erased, and what comes next is
// not heard for a while, or if block is set for good.
func (e *Engine) Refuse(ctx context.Context, id rpc.Identity, block bool) error {
	now := e.cfg.Store.Now()
	return e.update(ctx, func(tx *store.Tx, _ *Effects) error {
		r, err := tx.Request(id)
		if isNotFound(err) {
			return ErrNoRequest
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
	if isNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	lines, err := tx.History(c.ID, nil, 0)
	if err != nil {
		return err
	}
	for _, m := range lines {
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
