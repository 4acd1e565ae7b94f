package accounts

import (
	"context"
	"errors"
	"fmt"
	"time"

	"quicnprotochat/node/store"
	"quicnprotochat/rpc"
	"quicnprotochat/rpc/account"
	"quicnprotochat/transport"
)

// Relays reaches relays for a node.
type Relays interface {
	// Relay returns a client of a relay.
	Relay(ctx context.Context, u transport.RelayURL) (*rpc.Client, error)
	// AsUser makes a call at a relay that may take a session there, and waits for a
	// login where it does.
	AsUser(ctx context.Context, u transport.RelayURL, call func(context.Context, *rpc.Client) error) error
	// SetSession uses a session at a relay from now on, none if token is empty.
	SetSession(relay transport.Key, token []byte)
}

// Config says whose accounts they are. All fields are required.
type Config struct {
	Store *store.Store
	Self  rpc.Identity
	// Relays is how relays are reached.
	Relays Relays
}

// Accounts are the accounts of one node.
type Accounts struct{ cfg Config }

// New returns the accounts of a node.
func New(cfg Config) *Accounts { return &Accounts{cfg} }

// ErrUnknown means that the node has no account at that relay.
var ErrUnknown = errors.New("no account at that relay")

// callTime bounds the calls of one step.
const callTime = time.Minute

// List returns all accounts.
func (a *Accounts) List(ctx context.Context) (list []store.Account, err error) {
	err = a.cfg.Store.View(ctx, func(tx *store.Tx) error {
		list, err = tx.Accounts()
		return err
	})
	return list, err
}

// Of returns the account at a relay, or ErrUnknown.
func (a *Accounts) Of(ctx context.Context, relay transport.Key) (store.Account, error) {
	list, err := a.List(ctx)
	for _, x := range list {
		if x.Relay == relay {
			return x, nil
		}
	}
	if err == nil {
		err = ErrUnknown
	}
	return store.Account{}, err
}

// BeginRegister takes the registration request of OPAQUE to a relay and returns the
// response.
func (a *Accounts) BeginRegister(ctx context.Context, u transport.RelayURL, name string, request []byte) (response []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	c, err := a.cfg.Relays.Relay(ctx, u)
	if err != nil {
		return nil, err
	}
	return c.RegisterStart(ctx, name, request)
}

// Register makes an account at a relay of a registration record, bound to the node's
// key. invite is the code that the relay asks for, or "".
func (a *Accounts) Register(ctx context.Context, u transport.RelayURL, name string, record []byte, invite string) error {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	c, err := a.cfg.Relays.Relay(ctx, u)
	if err != nil {
		return err
	}
	// Over libp2p TLS proves the key, so the record needs no signature.
	ok, err := c.RegisterFinish(ctx, name, record, a.cfg.Self, invite)
	if err == nil && !ok {
		err = rpc.ErrUsername
	}
	return err
}

// BeginLogin takes KE1 to a relay and returns KE2, and what the password of the
// account costs to try.
func (a *Accounts) BeginLogin(ctx context.Context, u transport.RelayURL, name string, ke1 []byte) (ke2, stretch []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	if stretch, err = a.stretch(ctx, u.Key, name); err != nil {
		return nil, nil, err
	}
	c, err := a.cfg.Relays.Relay(ctx, u)
	if err != nil {
		return nil, nil, err
	}
	ke2, err = c.LoginStart(ctx, name, ke1)
	return ke2, stretch, err
}

// Login begins a session at a relay with KE3, and keeps it. An account that another
// node made is taken up by it.
func (a *Accounts) Login(ctx context.Context, u transport.RelayURL, name string, ke3 []byte) (store.Account, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	stretch, err := a.stretch(ctx, u.Key, name)
	if err != nil {
		return store.Account{}, err
	}
	c, err := a.cfg.Relays.Relay(ctx, u)
	if err != nil {
		return store.Account{}, err
	}
	token, err := c.LoginFinish(ctx, name, ke3, a.cfg.Self)
	if err != nil {
		return store.Account{}, err
	}
	if len(token) != sessionSize {
		return store.Account{}, fmt.Errorf("session token of %d bytes: %w", len(token), rpc.ErrBadAnswer)
	}
	x := store.Account{Relay: u.Key, URL: u.String(), Name: name, Stretch: stretch, Session: token, Added: time.Now()}
	return x, a.keep(ctx, x)
}

// stretch is what the password of an account costs to try, as it was when the account
// was made here.
func (a *Accounts) stretch(ctx context.Context, relay transport.Key, name string) ([]byte, error) {
	known, err := a.Of(ctx, relay)
	switch {
	case err == nil && known.Name == name:
		return known.Stretch, nil
	case err == nil, errors.Is(err, ErrUnknown):
		return account.DefaultStretch().Encode(), nil
	}
	return nil, err
}

// Logout ends the session at a relay, and forgets it even if the relay is not
// reached: then it ends there by itself.
func (a *Accounts) Logout(ctx context.Context, relay transport.Key) (store.Account, error) {
	known, err := a.Of(ctx, relay)
	if err != nil || len(known.Session) == 0 {
		return known, err
	}
	token := known.Session
	known.Session = nil
	if err := a.keep(ctx, known); err != nil {
		return known, err
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	u, err := transport.ParseRelayURL(known.URL)
	if err != nil {
		return known, fmt.Errorf("stored account: %w", err)
	}
	c, err := a.cfg.Relays.Relay(ctx, u)
	if err == nil {
		err = c.EndSession(ctx, token)
	}
	if err != nil {
		return known, fmt.Errorf("%w: %w", ErrStillOpen, err)
	}
	return known, nil
}

// ErrStillOpen means that a session is forgotten here, and that the relay was not
// told of it.
var ErrStillOpen = errors.New("the relay was not told")

// ChangePassword replaces the password of the account at a relay by that of a
// registration record (see BeginRegister), with a session that has just begun. All
// other sessions of it end.
func (a *Accounts) ChangePassword(ctx context.Context, relay transport.Key, record []byte) (store.Account, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	known, c, err := a.open(ctx, relay)
	if err != nil {
		return known, err
	}
	token, err := c.ChangePassword(ctx, known.Session, record)
	if err != nil {
		return known, err
	}
	known.Session, known.Stretch = token, account.DefaultStretch().Encode()
	return known, a.keep(ctx, known)
}

// Delete removes the account at a relay, with all that the relay keeps for us. It
// takes a session that has just begun.
func (a *Accounts) Delete(ctx context.Context, relay transport.Key) (store.Account, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	known, c, err := a.open(ctx, relay)
	if err != nil {
		return known, err
	}
	if err := c.DeleteAccount(ctx, known.Session); err != nil {
		return known, err
	}
	known.Session = nil
	err = a.cfg.Store.Update(ctx, func(tx *store.Tx) error { return tx.DeleteAccount(relay) })
	a.cfg.Relays.SetSession(relay, nil)
	return known, err
}

// Resolve asks a relay who has a user name there. The error may be
// sessions.ErrSession.
func (a *Accounts) Resolve(ctx context.Context, u transport.RelayURL, name string) (id rpc.Identity, found bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	err = a.cfg.Relays.AsUser(ctx, u, func(ctx context.Context, c *rpc.Client) (err error) {
		id, found, err = c.ResolveUser(ctx, name)
		return err
	})
	return id, found, err
}

// KeepsMail asks a relay whether it keeps mail for this node. Where that takes an account,
// a login is waited for if patient is set, for sessions.Patience at most.
func (a *Accounts) KeepsMail(ctx context.Context, u transport.RelayURL, patient bool) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	look := func(ctx context.Context, c *rpc.Client) error {
		_, err := c.Peek(ctx, a.cfg.Self, rpc.Channel{}, 0, 1, 0)
		return err
	}
	var err error
	if patient {
		err = a.cfg.Relays.AsUser(ctx, u, look)
	} else if c, failed := a.cfg.Relays.Relay(ctx, u); failed != nil {
		err = failed
	} else {
		err = look(ctx, c)
	}
	if errors.Is(err, rpc.ErrAccount) {
		return false, nil
	}
	return err == nil, err
}

// NameOf asks a relay which user name somebody has there, "" for none.
func (a *Accounts) NameOf(ctx context.Context, u transport.RelayURL, id rpc.Identity) (name string, err error) {
	c, err := a.cfg.Relays.Relay(ctx, u)
	if err != nil {
		return "", err
	}
	return c.ResolveIdentity(ctx, id)
}

// open returns a known account and a client of its relay.
func (a *Accounts) open(ctx context.Context, relay transport.Key) (store.Account, *rpc.Client, error) {
	known, err := a.Of(ctx, relay)
	if err != nil {
		return known, nil, err
	}
	u, err := transport.ParseRelayURL(known.URL)
	if err != nil {
		return known, nil, fmt.Errorf("stored account: %w", err)
	}
	c, err := a.cfg.Relays.Relay(ctx, u)
	return known, c, err
}

// sessionSize is the size of a session token without its kind.
const sessionSize = 32

// keep stores an account, and then uses its session.
func (a *Accounts) keep(ctx context.Context, x store.Account) error {
	err := a.cfg.Store.Update(ctx, func(tx *store.Tx) error { return tx.PutAccount(x) })
	if err == nil {
		a.cfg.Relays.SetSession(x.Relay, x.Session)
	}
	return err
}
