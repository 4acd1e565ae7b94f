package front

import (
	"context"
	"log/slog"
	"time"

	"quicnprotochat/node/accounts"
	"quicnprotochat/node/convo"
	"quicnprotochat/node/deliver"
	"quicnprotochat/node/identity"
	"quicnprotochat/node/localapi"
	"quicnprotochat/node/profile"
	"quicnprotochat/node/store"
	"quicnprotochat/rpc"
	"quicnprotochat/transport"
)

// Config says whose front it is. All fields are required.
type Config struct {
	Store     *store.Store
	Identity  *identity.Identity
	Profile   *profile.Profile
	Engine    *convo.Engine
	Deliverer *deliver.Deliverer
	Accounts  *accounts.Accounts
	Host      *transport.Host
	// LAN is whether the host looks for others on the LAN.
	LAN bool
	Log *slog.Logger
}

// Front answers what front ends ask. It implements the interfaces of package
// localapi.
type Front struct {
	cfg  Config
	self rpc.Identity
	feed localapi.Feed
}

// New returns the front of a node.
func New(cfg Config) *Front { return &Front{cfg: cfg, self: cfg.Identity.ID()} }

// Events is the feed of what happens.
func (f *Front) Events() *localapi.Feed { return &f.feed }

// Addrs returns the addresses that this node can be dialled at, each with its
// key.
func (f *Front) Addrs() []string {
	all := []string{}
	for _, a := range f.cfg.Host.Addrs() {
		all = append(all, a.WithKey(f.cfg.Host.Key()))
	}
	return all
}

// Identity implements localapi.Self.
func (f *Front) Identity(context.Context) (localapi.Identity, error) {
	return localapi.Identity{Identity: text(f.self), Name: f.cfg.Profile.Name()}, nil
}

func text(id rpc.Identity) string { return transport.Key(id).String() }

// Invite implements localapi.Self.
func (f *Front) Invite(ctx context.Context) (localapi.Invite, error) {
	link, expires, err := f.cfg.Profile.Link(ctx, time.Now())
	return localapi.Invite{Link: link, Expires: localapi.Time{Time: expires}}, err
}

// Publish hands an event to the front ends.
func (f *Front) Publish(e convo.Event) {
	shown := localapi.Event{Event: localapi.Kind(e.Kind)}
	c := e.Contact
	if e.Kind != convo.EventContact {
		err := f.cfg.Store.Glance(context.Background(), func(tx *store.Tx) (err error) {
			c, err = tx.Contact(e.Peer)
			return err
		})
		if err != nil {
			f.cfg.Log.Error("event of an unknown contact", "peer", text(e.Peer), "err", err)
			return
		}
	}
	person := showContact(c)
	shown.Contact = &person
	switch e.Kind {
	case convo.EventMessage:
		m := f.showMessage(e.Peer, e.Message)
		shown.Message = &m
	case convo.EventState:
		d := showDelivery(e.Message)
		shown.Delivery = &d
	}
	f.feed.Publish(shown)
}
