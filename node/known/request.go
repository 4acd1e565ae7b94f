package known

import (
	"context"
	"errors"
	"fmt"
	"time"

	"quicnprotochat/node/contact"
	"quicnprotochat/node/message"
	"quicnprotochat/node/store"
	"quicnprotochat/rpc"
	"quicnprotochat/transport"
)

// MaxRequests is how many may ask to be contacts at a time.
const MaxRequests = 50

// ViaRequest is how those became contacts who asked.
const ViaRequest = "request"

// ErrNoRequest means somebody who does not ask.
var ErrNoRequest = errors.New("no such request")

// asks keeps that somebody asks to be a contact; card may be nil.
func (k *People) asks(tx *store.Tx, fx Effects, id rpc.Identity, via string, card *contact.Card, raw []byte) (store.Request, error) {
	r, err := tx.Request(id)
	isNew := store.IsNotFound(err)
	if err != nil && !isNew {
		return r, err
	}
	if !r.Refused.IsZero() {
		return r, fmt.Errorf("%w: of somebody who was refused", message.ErrRefused)
	}
	if isNew {
		waiting, err := tx.Requests()
		if err != nil {
			return r, err
		}
		if len(waiting) >= MaxRequests {
			return r, fmt.Errorf("%w: too many ask already", message.ErrRefused)
		}
		r = store.Request{Identity: id, Via: via, At: tx.Now()}
		fx.Asked(id)
	}
	if card != nil {
		r.Name, r.Card = contact.CleanName(card.Name), raw
	}
	return r, tx.PutRequest(r)
}

// Asking returns the request that somebody's one-to-one conversation is one of, if we
// do not know that person otherwise and have not written there ourselves.
func (k *People) Asking(tx *store.Tx, fx Effects, id rpc.Identity) (asks bool, r store.Request, err error) {
	c, err := tx.Contact(id)
	via := ViaRequest
	var card *contact.Card
	switch {
	case err == nil && c.Via == ViaGroup:
		via = ViaGroup
		if known, err := contact.ParseCard(c.Card); err == nil {
			card = &known
		}
		talk, err := tx.ConversationOf(id)
		if err == nil && talk.Counter > 0 || err != nil && !store.IsNotFound(err) {
			return false, r, err
		}
	case err == nil || !store.IsNotFound(err):
		return false, r, err
	}
	r, err = k.asks(tx, fx, id, via, card, c.Card)
	return true, r, err
}

// Settle makes a contact of somebody who asked: it gets our card and the receipts that
// it is owed. Nothing happens if it did not ask.
func (k *People) Settle(tx *store.Tx, fx Effects, c store.Contact, now time.Time) (store.Contact, error) {
	r, err := tx.Request(c.Identity)
	if store.IsNotFound(err) {
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
	fx.Contact(c)
	fx.Owed(c.Identity)
	if !c.Introduced {
		return c, nil
	}
	return c, k.sendCard(tx, fx, c.Identity, now)
}

// Accept makes a contact of somebody who asks. It returns ErrNoRequest for others.
func (k *People) Accept(ctx context.Context, id rpc.Identity) (c store.Contact, err error) {
	now := k.cfg.Store.Now()
	err = k.cfg.Update(ctx, func(tx *store.Tx, fx Effects) error {
		r, err := tx.Request(id)
		if store.IsNotFound(err) {
			return ErrNoRequest
		}
		if err != nil {
			return err
		}
		if c, err = tx.Contact(id); store.IsNotFound(err) {
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
		fx.Met(c)
		c, err = k.Settle(tx, fx, c, now)
		return err
	})
	return c, err
}
