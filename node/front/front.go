package front

import (
	"context"
	"encoding/hex"
	"log/slog"
	"time"

	"quicnprotochat/node/accounts"
	"quicnprotochat/node/convo"
	"quicnprotochat/node/deliver"
	"quicnprotochat/node/group"
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
	Groups    *group.Groups
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
	err := f.cfg.Store.Glance(context.Background(), func(tx *store.Tx) error {
		if err := f.addWhere(tx, e, &shown); err != nil {
			return err
		}
		c := e.Contact
		switch {
		case e.Kind == convo.EventContact:
		case e.Peer == rpc.Identity{}:
			return nil
		default:
			var err error
			if c, err = tx.Contact(e.Peer); err != nil && shown.Group == nil {
				return err
			} else if err != nil {
				c = store.Contact{Identity: e.Peer, Name: text(e.Peer), Via: group.ViaGroup}
			}
		}
		person := showContact(c)
		shown.Contact = &person
		return nil
	})
	if err != nil {
		f.cfg.Log.Error("event that cannot be shown", "peer", text(e.Peer), "err", err)
		return
	}
	switch e.Kind {
	case convo.EventMessage:
		m := f.showMessage(f.person(store.Contact{Identity: e.Peer}), e.Message)
		if shown.Group != nil {
			m.To, m.Group = shown.Group.ID, shown.Group.ID
		}
		shown.Message = &m
	case convo.EventState:
		d := showDelivery(e.Message)
		shown.Delivery = &d
	}
	f.feed.Publish(shown)
}

// addWhere adds the group that an event is about, if it is about one.
func (f *Front) addWhere(tx *store.Tx, e convo.Event, shown *localapi.Event) (err error) {
	c := e.Conversation
	switch e.Kind {
	case convo.EventGroup:
	case convo.EventMessage, convo.EventState:
		if c, err = tx.Conversation(e.Message.Conversation); err != nil {
			return err
		}
	default:
		return nil
	}
	if convo.IsGroup(c) {
		members, err := f.cfg.Groups.Count(tx, c)
		shown.Group = &localapi.Group{ID: hex.EncodeToString(c.ID[:]), Name: c.Name, Status: status(c), Members: members}
		return err
	}
	return nil
}
