package trust

import (
	"context"
	"errors"

	"quicnprotochat/node/convo"
	"quicnprotochat/node/convo/news"
	"quicnprotochat/node/store"
	"quicnprotochat/rpc"
)

// ErrUnknown means somebody who is no contact.
var ErrUnknown = errors.New("not a contact")

// Config says whose decisions they are. All fields are required.
type Config struct {
	Engine *convo.Engine
}

// Trust keeps what the user decides.
type Trust struct{ cfg Config }

// New returns the decisions kept in the store of cfg.Engine.
func New(cfg Config) *Trust { return &Trust{cfg} }

// change changes a contact and tells it.
func (t *Trust) change(ctx context.Context, id rpc.Identity, fn func(tx *store.Tx, fx *news.Effects, c *store.Contact) error) (c store.Contact, err error) {
	err = t.cfg.Engine.Update(ctx, func(tx *store.Tx, fx *news.Effects) error {
		if c, err = tx.Contact(id); store.IsNotFound(err) {
			return ErrUnknown
		} else if err != nil {
			return err
		}
		if err := fn(tx, fx, &c); err != nil {
			return err
		}
		fx.Show(news.Event{Kind: news.EventTrust, Peer: id, Contact: c})
		return tx.PutContact(c)
	})
	return c, err
}

// Verify notes whether the user has compared the safety number of a contact. Who is
// verified is who it was before, whatever a relay says.
func (t *Trust) Verify(ctx context.Context, id rpc.Identity, verified bool) (store.Contact, error) {
	return t.change(ctx, id, func(_ *store.Tx, _ *news.Effects, c *store.Contact) error {
		c.Verified = verified
		if verified {
			c.Changed = rpc.Identity{}
		}
		return nil
	})
}

// Block takes nothing from somebody any more, and sends nothing there. All passes,
// links and addresses that were given out are cancelled, and the other contacts get
// new ones.
func (t *Trust) Block(ctx context.Context, id rpc.Identity) (store.Contact, error) {
	return t.change(ctx, id, func(tx *store.Tx, fx *news.Effects, _ *store.Contact) error {
		if blocked, err := tx.IsBlocked(id); err != nil || blocked {
			return err
		}
		if err := tx.Block(id, tx.Now()); err != nil {
			return err
		}
		return t.cfg.Engine.Cancel(tx, fx)
	})
}

// Unblock takes that back; the person gets our card again.
func (t *Trust) Unblock(ctx context.Context, id rpc.Identity) (store.Contact, error) {
	return t.change(ctx, id, func(tx *store.Tx, fx *news.Effects, c *store.Contact) error {
		if blocked, err := tx.IsBlocked(id); err != nil || !blocked {
			return err
		}
		if err := tx.Unblock(id); err != nil {
			return err
		}
		return t.cfg.Engine.Present(tx, fx, *c)
	})
}

// Renamed notes that a relay names another identity than before for the user name of a
// contact: nothing is sent to the contact until the user has chosen.
func (t *Trust) Renamed(ctx context.Context, id, now rpc.Identity) (store.Contact, error) {
	return t.change(ctx, id, func(_ *store.Tx, _ *news.Effects, c *store.Contact) error {
		c.Changed = now
		return nil
	})
}

// Keep stays with a contact although its relay names somebody else.
func (t *Trust) Keep(ctx context.Context, id rpc.Identity) (store.Contact, error) {
	return t.change(ctx, id, func(_ *store.Tx, _ *news.Effects, c *store.Contact) error {
		// The relay's word is worth nothing any more, and is not asked for again.
		c.Changed, c.Claim = rpc.Identity{}, ""
		return nil
	})
}

// Release lets a contact go on without the user name that somebody else has now, and
// returns that one and the name.
func (t *Trust) Release(ctx context.Context, id rpc.Identity) (next rpc.Identity, claim, name string, err error) {
	_, err = t.change(ctx, id, func(tx *store.Tx, _ *news.Effects, c *store.Contact) error {
		next, claim, name = c.Changed, c.Claim, c.Name
		c.Changed, c.Claim = rpc.Identity{}, ""
		c.Name, err = tx.FreeName(name + "-old")
		return err
	})
	return next, claim, name, err
}
