package news

import (
	"context"
	"errors"
	"fmt"

	"quicnprotochat/node/store"
	"quicnprotochat/rpc"
)

// Notifier is told what a commit changed. Its methods must not block.
type Notifier interface {
	// Event is something to show: a row behind the events of the store.
	Event(e Event)
	// Outgoing says that payloads or a first message wait for a person.
	Outgoing(to rpc.Identity)
	// Receipt says that a receipt is owed to a person.
	Receipt(to rpc.Identity)
	// ContactChanged says that a contact's card is new.
	ContactChanged(c store.Contact)
	// Joined says that keys of a new epoch are here, or a person is known now.
	Joined()
	// KeyPackageUsed says that one of our key packages was used up.
	KeyPackageUsed()
	// Revoked says that our endpoint is another one: passes were cancelled.
	Revoked()
}

// Config says who is told. All fields are required.
type Config struct {
	Store  *store.Store
	Notify Notifier
	// Revoked is called before Notify.Revoked, Changed for each group in which there may
	// be something to do.
	Revoked func()
	Changed func(group []byte)
}

// Teller runs transactions and tells of them.
type Teller struct {
	cfg Config
	// expiring has a token when something may have to disappear sooner than before.
	expiring chan struct{}
}

// New returns a Teller.
func New(cfg Config) *Teller { return &Teller{cfg, make(chan struct{}, 1)} }

// Expiring has a token when something may have to disappear sooner than before.
func (t *Teller) Expiring() <-chan struct{} { return t.expiring }

// Update runs fn in one durable transaction and tells its effects after the commit.
func (t *Teller) Update(ctx context.Context, fn func(tx *store.Tx, fx *Effects) error) error {
	return t.transact(ctx, t.cfg.Store.Update, &Effects{}, fn)
}

// Follow is Update for what only follows from rows that are durable: it does not wait for
// the disk. If fn takes a step of a ratchet (Effects.Durable), it is run again in a
// durable transaction: a key must not be used twice, whatever a power cut takes back.
func (t *Teller) Follow(ctx context.Context, fn func(tx *store.Tx, fx *Effects) error) error {
	err := t.transact(ctx, t.cfg.Store.UpdateLazily, &Effects{lazy: true}, fn)
	if errors.Is(err, errNotLazily) {
		return t.Update(ctx, fn)
	}
	return err
}

func (t *Teller) transact(ctx context.Context, update func(context.Context, func(*store.Tx) error) error, fx *Effects,
	fn func(tx *store.Tx, fx *Effects) error,
) error {
	fx.outgoing, fx.receipts = make(map[rpc.Identity]bool), make(map[rpc.Identity]bool)
	fx.groups = make(map[string]bool)
	err := update(ctx, func(tx *store.Tx) error {
		if err := fn(tx, fx); err != nil {
			return err
		}
		for _, e := range fx.events {
			if e.Kind == EventTyping {
				continue // good for a moment
			}
			if err := tx.AddEvent(e.row()); err != nil {
				return fmt.Errorf("keep event: %w", err)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	t.tell(fx)
	return nil
}

// tell tells what was committed.
func (t *Teller) tell(fx *Effects) {
	for _, c := range fx.contacts {
		t.cfg.Notify.ContactChanged(c)
	}
	// Before what is shown: for that people wait less.
	for id := range fx.outgoing {
		t.cfg.Notify.Outgoing(id)
	}
	for _, e := range fx.events {
		t.cfg.Notify.Event(e)
	}
	for id := range fx.receipts {
		t.cfg.Notify.Receipt(id)
	}
	if fx.expiring {
		select {
		case t.expiring <- struct{}{}:
		default:
		}
	}
	if fx.entered || len(fx.contacts) > 0 {
		t.cfg.Notify.Joined()
	}
	if fx.used {
		t.cfg.Notify.KeyPackageUsed()
	}
	if fx.revoked {
		t.cfg.Revoked()
		t.cfg.Notify.Revoked()
	}
	for group := range fx.groups {
		t.cfg.Changed([]byte(group))
	}
}
