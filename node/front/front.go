package front

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"quicnprotochat/node/accounts"
	"quicnprotochat/node/convo"
	"quicnprotochat/node/deliver"
	"quicnprotochat/node/front/homes"
	"quicnprotochat/node/front/network"
	"quicnprotochat/node/group"
	"quicnprotochat/node/identity"
	"quicnprotochat/node/localapi"
	"quicnprotochat/node/localapi/feed"
	"quicnprotochat/node/nearby"
	"quicnprotochat/node/profile"
	"quicnprotochat/node/store"
	"quicnprotochat/node/trust"
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
	Trust     *trust.Trust
	Host      *transport.Host
	// Nearby are the names of those on the LAN; nil asks nobody.
	Nearby *nearby.Names
	// LAN is on, contacts or off: whether the host looks for others on the LAN, and
	// who can read what it announces.
	LAN string
	Log *slog.Logger
}

// Front answers what front ends ask. It implements the interfaces of package
// localapi.
type Front struct {
	*network.Network
	*homes.Homes

	cfg  Config
	self rpc.Identity
	feed *feed.Feed

	// mu guards told: when conversations were last told that the user is typing.
	mu   sync.Mutex
	told map[[16]byte]time.Time
}

// New returns the front of a node.
func New(cfg Config) *Front {
	f := &Front{
		Network: network.New(network.Config{Host: cfg.Host, Deliverer: cfg.Deliverer, LAN: cfg.LAN}),
		Homes:   homes.New(homes.Config{Store: cfg.Store, Engine: cfg.Engine, Deliverer: cfg.Deliverer, Accounts: cfg.Accounts, Log: cfg.Log}),
		cfg:     cfg, self: cfg.Identity.ID(), told: make(map[[16]byte]time.Time),
	}
	f.feed = feed.New(eventLog{f})
	return f
}

// Identity implements localapi.Self.
func (f *Front) Identity(context.Context) (localapi.Identity, error) {
	return localapi.Identity{Identity: text(f.self), Name: f.cfg.Profile.Name()}, nil
}

func text(id rpc.Identity) string { return transport.Key(id).String() }

// Invite implements localapi.Self.
func (f *Front) Invite(ctx context.Context) (localapi.Invite, error) {
	link, expires, err := f.cfg.Profile.Link(ctx, f.cfg.Store.Now())
	return localapi.Invite{Link: link, Expires: localapi.Time{Time: expires}}, err
}
