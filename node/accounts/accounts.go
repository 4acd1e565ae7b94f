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

// callTime bounds the calls of one step, with the stretching of the password in
// between.
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

// Register makes an account at a relay, bound to the node's key, and logs in.
// invite is the code that the relay asks for, or "".
func (a *Accounts) Register(ctx context.Context, u transport.RelayURL, name string, password []byte, invite string) (store.Account, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	c, err := a.cfg.Relays.Relay(ctx, u)
	if err != nil {
		return store.Account{}, err
	}
	upload, err := upload(ctx, c, name, password)
	if err != nil {
		return store.Account{}, err
	}
	// Over libp2p TLS proves the key, so the upload needs no signature.
	ok, err := c.RegisterFinish(ctx, name, upload, a.cfg.Self, invite)
	if err == nil && !ok {
		err = rpc.ErrUsername
	}
	if err != nil {
		return store.Account{}, err
	}
	return a.login(ctx, c, u, name, account.DefaultStretch(), password)
}

// Login begins a session at a relay. An account that another node made is taken
// up by it.
func (a *Accounts) Login(ctx context.Context, u transport.RelayURL, name string, password []byte) (store.Account, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	stretch := account.DefaultStretch()
	known, err := a.Of(ctx, u.Key)
	switch {
	case err == nil && known.Name == name:
		if stretch, err = account.ParseStretch(known.Stretch); err != nil {
			return store.Account{}, fmt.Errorf("stored account: %w", err)
		}
	case err != nil && !errors.Is(err, ErrUnknown):
		return store.Account{}, err
	}
	c, err := a.cfg.Relays.Relay(ctx, u)
	if err != nil {
		return store.Account{}, err
	}
	return a.login(ctx, c, u, name, stretch, password)
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

// ChangePassword replaces the password of the account at a relay. All other
// sessions of it end.
func (a *Accounts) ChangePassword(ctx context.Context, relay transport.Key, old, fresh []byte) (store.Account, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*callTime)
	defer cancel()
	known, c, err := a.again(ctx, relay, old)
	if err != nil {
		return known, err
	}
	upload, err := upload(ctx, c, known.Name, fresh)
	if err != nil {
		return known, err
	}
	token, err := c.ChangePassword(ctx, known.Session, upload)
	if err != nil {
		return known, err
	}
	known.Session, known.Stretch = token, account.DefaultStretch().Encode()
	return known, a.keep(ctx, known)
}

// Delete removes the account at a relay, with all that the relay keeps for us.
func (a *Accounts) Delete(ctx context.Context, relay transport.Key, password []byte) (store.Account, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	known, c, err := a.again(ctx, relay, password)
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
// deliver.ErrSession.
func (a *Accounts) Resolve(ctx context.Context, u transport.RelayURL, name string) (id rpc.Identity, found bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	err = a.cfg.Relays.AsUser(ctx, u, func(ctx context.Context, c *rpc.Client) (err error) {
		id, found, err = c.ResolveUser(ctx, name)
		return err
	})
	return id, found, err
}

// NameOf asks a relay which user name somebody has there, "" for none.
func (a *Accounts) NameOf(ctx context.Context, u transport.RelayURL, id rpc.Identity) (name string, err error) {
	c, err := a.cfg.Relays.Relay(ctx, u)
	if err != nil {
		return "", err
	}
	return c.ResolveIdentity(ctx, id)
}

// again logs in to a known account anew: what follows takes a fresh session.
func (a *Accounts) again(ctx context.Context, relay transport.Key, password []byte) (store.Account, *rpc.Client, error) {
	known, err := a.Of(ctx, relay)
	if err != nil {
		return known, nil, err
	}
	u, err := transport.ParseRelayURL(known.URL)
	if err != nil {
		return known, nil, fmt.Errorf("stored account: %w", err)
	}
	if known, err = a.Login(ctx, u, known.Name, password); err != nil {
		return known, nil, err
	}
	c, err := a.cfg.Relays.Relay(ctx, u)
	return known, c, err
}

// login runs OPAQUE and keeps the account with its session.
func (a *Accounts) login(ctx context.Context, c *rpc.Client, u transport.RelayURL, name string, stretch account.Stretch, password []byte) (store.Account, error) {
	run, err := account.NewClient(stretch)
	if err != nil {
		return store.Account{}, err
	}
	defer run.Close()
	ke1, err := run.Login(password)
	if err != nil {
		return store.Account{}, err
	}
	ke2, err := c.LoginStart(ctx, name, ke1)
	if err != nil {
		return store.Account{}, err
	}
	ke3, err := run.FinishLogin(ke2)
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
	x := store.Account{
		Relay: u.Key, URL: u.String(), Name: name, Stretch: stretch.Encode(), Session: token, Added: a.cfg.Store.Now(),
	}
	return x, a.keep(ctx, x)
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

// upload makes the registration record of a password.
func upload(ctx context.Context, c *rpc.Client, name string, password []byte) ([]byte, error) {
	run, err := account.NewClient(account.DefaultStretch())
	if err != nil {
		return nil, err
	}
	defer run.Close()
	request, err := run.Register(password)
	if err != nil {
		return nil, err
	}
	response, err := c.RegisterStart(ctx, name, request)
	if err != nil {
		return nil, err
	}
	return run.FinishRegister(response)
}
