package front

import (
	"context"

	"quicnprotochat/node/convo"
	"quicnprotochat/node/localapi"
	"quicnprotochat/node/store"
)

// Search implements localapi.Messages.
func (f *Front) Search(ctx context.Context, words, who string, limit int) ([]localapi.Message, error) {
	var in *[16]byte
	if who != "" {
		with, err := f.aim(ctx, who, f.find)
		if err != nil {
			return nil, err
		}
		in = &with.conversation
	}
	if err := f.cfg.Engine.Index(ctx); err != nil {
		return nil, err
	}
	found := []localapi.Message{}
	err := f.cfg.Store.View(ctx, func(tx *store.Tx) error {
		rows, err := tx.Search(words, in, limit)
		if err != nil {
			return err
		}
		for _, m := range rows {
			with, err := f.targetOf(tx, m.Conversation)
			if err != nil {
				return err
			}
			entry, err := f.showMessage(tx, with, m)
			if err != nil {
				return err
			}
			found = append(found, entry)
		}
		return nil
	})
	return found, err
}

// targetOf is a conversation that is there.
func (f *Front) targetOf(tx *store.Tx, id [16]byte) (t target, err error) {
	c, err := tx.Conversation(id)
	if err != nil || convo.IsGroup(c) {
		return target{conversation: id, group: true, name: c.Name}, err
	}
	contact, err := tx.Contact(c.Peer)
	if store.IsNotFound(err) { // the user, whose notes these are, or somebody who asks to be a contact
		contact, err = store.Contact{Identity: c.Peer, Name: f.nameOf(tx, c.Peer)}, nil
	}
	return target{conversation: id, contact: contact, name: contact.Name}, err
}
