package known

import (
	"context"
	"errors"

	"quicnprotochat/node/contact"
	"quicnprotochat/node/store"
	"quicnprotochat/rpc"
)

// ErrClaim means that a relay names another identity for a user name than before.
var ErrClaim = errors.New("the relay now names somebody else")

// AddByName keeps the person that a relay named; claim is NAME@URL, or empty for
// somebody whom we hear on the LAN. It is idempotent; isNew reports whether the person was not a contact before. An empty
// name means the one that was asked for. Our introduction is in the outbox then:
// it is taken by who has added us as well.
func (k *People) AddByName(ctx context.Context, id rpc.Identity, claim, user, name string) (c store.Contact, isNew bool, err error) {
	if id == k.cfg.Self {
		return c, false, ErrSelf
	}
	now := k.cfg.Store.Now()
	err = k.cfg.Update(ctx, func(tx *store.Tx, fx Effects) error {
		all, err := tx.Contacts()
		if err != nil {
			return err
		}
		for _, other := range all {
			if claim != "" && other.Claim == claim && other.Identity != id {
				return ErrClaim
			}
		}
		c, err = tx.Contact(id)
		if isNew = store.IsNotFound(err); isNew {
			c = store.Contact{Identity: id, Via: ViaName, Added: now}
			if claim == "" {
				c.Via = ViaLAN
			}
			if name == "" {
				name = user
			}
		} else if err != nil {
			return err
		}
		if name = contact.CleanName(name); name != "" && name != c.Name {
			if c.Name, err = tx.FreeName(name); err != nil {
				return err
			}
		}
		if c.Via == ViaGroup {
			c.Via = ViaName
		}
		if claim != "" {
			c.Claim = claim
		}
		if err := tx.PutContact(c); err != nil {
			return err
		}
		fx.Contact(c)
		if !isNew {
			return nil
		}
		fx.Met(c)
		if c, err = k.Settle(tx, fx, c, now); err != nil || c.Introduced {
			return err
		}
		return k.Introduce(tx, fx, c, now)
	})
	return c, isNew, err
}
