package convo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"quicnprotochat/mls"
	"quicnprotochat/node/convo/held"
	"quicnprotochat/node/convo/news"
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
	// MaxOutgoing is how many messages of ours without a receipt a conversation may have.
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

// Config says whose conversations they are. All fields are required.
type Config struct {
	Store    *store.Store
	Identity *identity.Identity
	Keys     *keys.Keys
	Profile  *profile.Profile
	Notify   news.Notifier
	Log      *slog.Logger
}

// Engine reads and changes conversations.
type Engine struct {
	*known.People
	*news.Teller

	cfg     Config
	self    rpc.Identity
	groups  Groups
	held    held.Epochs
	doubted doubted
	overdue overdue
}

// New returns the engine of the conversations in cfg.Store.
func New(cfg Config) *Engine {
	e := &Engine{cfg: cfg, self: cfg.Identity.ID()}
	e.Teller = news.New(news.Config{
		Store: cfg.Store, Notify: cfg.Notify, Revoked: cfg.Profile.Revoked,
		Changed: func(group []byte) { e.groups.Changed(group) },
	})
	e.People = known.New(known.Config{
		Self: e.self, Store: cfg.Store, Identity: cfg.Identity, Profile: cfg.Profile,
		Update: func(ctx context.Context, fn func(*store.Tx, known.Effects) error) error {
			return e.Update(ctx, func(tx *store.Tx, fx *news.Effects) error { return fn(tx, fx) })
		},
	})
	return e
}

// Epoch returns an epoch with its records in tx.
func (e *Engine) Epoch(tx *store.Tx, id [16]byte) (*mls.Epoch, store.Records, error) {
	records := tx.Records(id)
	if ep := e.held.Get(id); ep != nil {
		return ep, records, nil
	}
	ep, err := mls.LoadEpoch(records, e.cfg.Identity.MLS())
	if err != nil {
		return nil, records, fmt.Errorf("load epoch: %w", err)
	}
	e.held.Put(id, ep)
	return ep, records, nil
}

// enter saves a new epoch as the present one of its group.
func (e *Engine) enter(tx *store.Tx, g store.Group, ep *mls.Epoch) (store.Group, error) {
	g.Epoch, g.Suite = EpochID(ep), uint16(ep.Suite())
	if err := tx.PutGroup(g); err != nil {
		return g, err
	}
	return g, e.Save(tx, g, g.Epoch, ep)
}
