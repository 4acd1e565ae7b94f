package convo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"quicnprotochat/mls"
	"quicnprotochat/node/identity"
	"quicnprotochat/node/keys"
	"quicnprotochat/node/known"
	"quicnprotochat/node/message"
	"quicnprotochat/node/profile"
	"quicnprotochat/node/store"
	"quicnprotochat/rpc"
)

// Limits of what is kept for others.
const (
	// MaxOutgoing is how many payloads may wait for one person.
	MaxOutgoing = 10_000
	// MaxText is the longest text of a message in bytes of UTF-8.
	MaxText = 65_535
	// maxGroups is how many groups of one conversation are kept.
	maxGroups = 8
	// retirement is how long a group that lost goes on receiving.
	retirement = 7 * 24 * time.Hour
)

// Errors that callers branch on.
var (
	ErrUnknownContact = errors.New("not a contact")
	ErrBlocked        = errors.New("the contact is blocked")
	// ErrChanged means a contact for whose user name its relay now names somebody else.
	ErrChanged    = errors.New("the relay of this contact now names somebody else")
	ErrText       = errors.New("text must be 1 to 65,535 bytes of UTF-8")
	ErrOutboxFull = errors.New("too many messages wait for this person")
	// ErrWaiting means a payload that no present key opens. It stays.
	ErrWaiting = errors.New("no key opens this payload yet")
	// ErrOtherSuite means a key package of another cipher suite than the group is
	// to have: its owner has packages of that one, too.
	ErrOtherSuite = errors.New("key package of another cipher suite than the conversation is to have")
	// ErrRefused means a payload that is wrong and will never be right.
	ErrRefused = message.ErrRefused
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

// Config says whose conversations they are. All fields are required.
type Config struct {
	Store    *store.Store
	Identity *identity.Identity
	Keys     *keys.Keys
	Profile  *profile.Profile
	Notify   Notifier
	Log      *slog.Logger
}

// Engine reads and changes conversations.
type Engine struct {
	*known.People

	cfg    Config
	self   rpc.Identity
	groups Groups
	// expiring has a token when something may have to disappear sooner than before.
	expiring chan struct{}
	held     held
	doubted  doubted
}

// New returns the engine of the conversations in cfg.Store.
func New(cfg Config) *Engine {
	e := &Engine{cfg: cfg, self: cfg.Identity.ID(), expiring: make(chan struct{}, 1)}
	e.People = known.New(known.Config{
		Self: e.self, Store: cfg.Store, Identity: cfg.Identity, Profile: cfg.Profile,
		Update: func(ctx context.Context, fn func(*store.Tx, known.Effects) error) error {
			return e.update(ctx, func(tx *store.Tx, fx *Effects) error { return fn(tx, fx) })
		},
	})
	return e
}

// Effects is what a transaction asks to be told after its commit.
type Effects struct {
	events   []Event
	outgoing map[rpc.Identity]bool
	receipts map[rpc.Identity]bool
	contacts []store.Contact
	joined   bool
	changed  map[string]bool // ids of groups
	used     bool            // a key package
	revoked  bool            // passes of ours were cancelled
	via      string          // how the payload came that is applied
	epoch    [16]byte        // whose key opened it, zero for a hybrid key
	parts    []message.Part  // of its frame
	expiring bool            // something is to disappear some time
	lazy     bool            // the commit does not wait for the disk
}

func (f *Effects) send(to rpc.Identity) { f.outgoing[to] = true }

// update runs fn in one durable transaction and tells its effects after the
// commit.
func (e *Engine) update(ctx context.Context, fn func(tx *store.Tx, fx *Effects) error) error {
	return e.transact(ctx, e.cfg.Store.Update, &Effects{}, fn)
}

// errNotLazily means that a transaction must be durable before anybody sees what
// it did.
var errNotLazily = errors.New("must be durable")

// follow is update for what only follows from rows that are durable: it does not
// wait for the disk. If fn takes a step of a ratchet, it is run again in a durable
// transaction: a key must not be used twice, whatever a power cut takes back.
func (e *Engine) follow(ctx context.Context, fn func(tx *store.Tx, fx *Effects) error) error {
	err := e.transact(ctx, e.cfg.Store.UpdateLazily, &Effects{lazy: true}, fn)
	if errors.Is(err, errNotLazily) {
		return e.update(ctx, fn)
	}
	return err
}

func (e *Engine) transact(ctx context.Context, update func(context.Context, func(*store.Tx) error) error, fx *Effects,
	fn func(tx *store.Tx, fx *Effects) error,
) error {
	fx.outgoing, fx.receipts = make(map[rpc.Identity]bool), make(map[rpc.Identity]bool)
	fx.changed = make(map[string]bool)
	err := update(ctx, func(tx *store.Tx) error {
		if err := fn(tx, fx); err != nil {
			return err
		}
		for _, ev := range fx.events {
			if ev.Kind == EventTyping {
				continue // good for a moment
			}
			if err := tx.AddEvent(ev.row()); err != nil {
				return fmt.Errorf("keep event: %w", err)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, c := range fx.contacts {
		e.cfg.Notify.ContactChanged(c)
	}
	for _, ev := range fx.events {
		e.cfg.Notify.Event(ev)
	}
	for id := range fx.outgoing {
		e.cfg.Notify.Outgoing(id)
	}
	for id := range fx.receipts {
		e.cfg.Notify.Receipt(id)
	}
	if fx.expiring {
		select {
		case e.expiring <- struct{}{}:
		default:
		}
	}
	if fx.joined || len(fx.contacts) > 0 {
		e.cfg.Notify.Joined()
	}
	if fx.used {
		e.cfg.Notify.KeyPackageUsed()
	}
	if fx.revoked {
		e.cfg.Profile.Revoked()
		e.cfg.Notify.Revoked()
	}
	for group := range fx.changed {
		e.groups.Changed([]byte(group))
	}
	return nil
}

// epoch returns an epoch with its records in tx.
func (e *Engine) epoch(tx *store.Tx, id [16]byte) (*mls.Epoch, store.Records, error) {
	records := tx.Records(id)
	if ep := e.held.get(id); ep != nil {
		return ep, records, nil
	}
	ep, err := mls.LoadEpoch(records, e.cfg.Identity.MLS())
	if err != nil {
		return nil, records, fmt.Errorf("load epoch: %w", err)
	}
	e.held.put(id, ep)
	return ep, records, nil
}

// enter saves a new epoch as the present one of its group.
func (e *Engine) enter(tx *store.Tx, g store.Group, ep *mls.Epoch) (store.Group, error) {
	g.Epoch, g.Suite = EpochID(ep), uint16(ep.Suite())
	if err := tx.PutGroup(g); err != nil {
		return g, err
	}
	return g, e.save(tx, g, g.Epoch, ep)
}
