package homes

import (
	"log/slog"

	"quicnprotochat/node/accounts"
	"quicnprotochat/node/convo"
	"quicnprotochat/node/deliver"
	"quicnprotochat/node/localapi"
	"quicnprotochat/node/store"
)

// Config says whose homes they are. All fields are required.
type Config struct {
	Store     *store.Store
	Engine    *convo.Engine
	Deliverer *deliver.Deliverer
	Accounts  *accounts.Accounts
	Log       *slog.Logger
}

// Homes implements localapi.Relays, localapi.Accounts and localapi.AccountOwner.
type Homes struct{ cfg Config }

// New returns the homes of a node.
func New(cfg Config) *Homes { return &Homes{cfg} }

var (
	_ localapi.Relays       = (*Homes)(nil)
	_ localapi.Accounts     = (*Homes)(nil)
	_ localapi.AccountOwner = (*Homes)(nil)
)
