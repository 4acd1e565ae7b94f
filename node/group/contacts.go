package group

import (
	"quicnprotochat/node/contact"
	"quicnprotochat/node/convo"
	"quicnprotochat/node/convo/news"
	"quicnprotochat/node/store"
)

// CardChanged implements convo.Groups: the card of a contact that can now be
// handed on goes to the groups that the contact is in.
func (g *Groups) CardChanged(tx *store.Tx, fx *news.Effects, c store.Contact, before []byte) error {
	if old, err := contact.ParseCard(before); err == nil && old.Hello.IsZero() {
		return nil
	}
	if raw, err := g.MayHand(tx, c.Identity); err != nil || raw == nil {
		return err
	}
	conversations, err := tx.Conversations()
	if err != nil {
		return err
	}
	for _, conversation := range conversations {
		if !convo.IsGroup(conversation) || conversation.Status != StatusIn {
			continue
		}
		t, err := g.load(tx, conversation.Group)
		if err != nil {
			return err
		}
		if !t.Top().Roster.Has(c.Identity) {
			continue
		}
		for _, id := range t.Top().Roster.Others(g.self) {
			if id == c.Identity {
				continue
			}
			if err := g.Tell(tx, fx, conversation.Group, id, c.Identity); err != nil {
				return err
			}
		}
	}
	return nil
}
