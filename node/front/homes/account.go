package homes

import (
	"context"
	"errors"
	"fmt"

	"quicnprotochat/node/accounts"
	"quicnprotochat/node/deliver/sessions"
	"quicnprotochat/node/localapi"
	"quicnprotochat/node/store"
	"quicnprotochat/rpc"
	"quicnprotochat/transport"
)

// Accounts implements localapi.Accounts.
func (h *Homes) Accounts(ctx context.Context) ([]localapi.Account, error) {
	list, err := h.cfg.Accounts.List(ctx)
	all := []localapi.Account{}
	for _, a := range list {
		all = append(all, showAccount(a))
	}
	return all, err
}

func showAccount(a store.Account) localapi.Account {
	return localapi.Account{Relay: a.URL, Name: a.Name, Session: len(a.Session) > 0}
}

// BeginRegister implements localapi.AccountMaker.
func (h *Homes) BeginRegister(ctx context.Context, r localapi.AccountRequest) (localapi.AccountStep, error) {
	u, err := h.homeRelay(ctx, r.Relay)
	if err != nil {
		return localapi.AccountStep{}, err
	}
	a, err := h.cfg.Accounts.Of(ctx, u.Key)
	if err == nil && len(a.Session) > 0 {
		return localapi.AccountStep{}, &localapi.Error{
			Message: fmt.Sprintf("this node has the account %q at that relay already", a.Name),
			Hint:    "log in to it: qpc account login; or delete it first: qpc account delete",
			Exit:    localapi.ExitOther,
		}
	}
	// One without a session may be there no more: who hosts the relay can delete it.
	if err != nil && !errors.Is(err, accounts.ErrUnknown) {
		return localapi.AccountStep{}, err
	}
	response, err := h.cfg.Accounts.BeginRegister(ctx, u, r.Name, r.Message)
	return localapi.AccountStep{Relay: u.String(), Name: r.Name, Message: response}, registerError(u, a, err)
}

// registerError is AccountError of who may have an account there: that one is named.
func registerError(u transport.RelayURL, has store.Account, err error) error {
	if has.Name == "" || !errors.Is(err, rpc.ErrUsername) {
		return AccountError(u, err)
	}
	e := *localapi.AsError(AccountError(u, err))
	e.Hint = fmt.Sprintf("log in as %s: qpc account login; or, if who hosts the relay has deleted that account, choose another name", has.Name)
	return &e
}

// Register implements localapi.AccountMaker.
func (h *Homes) Register(ctx context.Context, r localapi.AccountRequest) (localapi.Account, error) {
	u, err := h.homeRelay(ctx, r.Relay)
	if err != nil {
		return localapi.Account{}, err
	}
	a, err := h.cfg.Accounts.Of(ctx, u.Key)
	if err != nil && !errors.Is(err, accounts.ErrUnknown) {
		return localapi.Account{}, err
	}
	if err := h.cfg.Accounts.Register(ctx, u, r.Name, r.Message, r.Invite); err != nil {
		return localapi.Account{}, registerError(u, a, err)
	}
	return localapi.Account{Relay: u.String(), Name: r.Name}, nil
}

// BeginLogin implements localapi.Accounts.
func (h *Homes) BeginLogin(ctx context.Context, r localapi.AccountRequest) (localapi.AccountStep, error) {
	which, name := h.homeRelay, r.Name
	if name == "" {
		which = h.accountRelay
	}
	u, err := which(ctx, r.Relay)
	if err != nil {
		return localapi.AccountStep{}, err
	}
	if name == "" {
		known, err := h.cfg.Accounts.Of(ctx, u.Key)
		if err != nil {
			return localapi.AccountStep{}, AccountError(u, err)
		}
		name = known.Name
	}
	ke2, stretch, err := h.cfg.Accounts.BeginLogin(ctx, u, name, r.Message)
	return localapi.AccountStep{Relay: u.String(), Name: name, Message: ke2, Stretch: stretch}, AccountError(u, err)
}

// Login implements localapi.Accounts.
func (h *Homes) Login(ctx context.Context, r localapi.AccountRequest) (localapi.Account, error) {
	u, err := h.homeRelay(ctx, r.Relay)
	if err != nil {
		return localapi.Account{}, err
	}
	a, err := h.cfg.Accounts.Login(ctx, u, r.Name, r.Message)
	if err != nil {
		return localapi.Account{}, AccountError(u, err)
	}
	return showAccount(a), h.AddRelay(ctx, u.String())
}

// Logout implements localapi.Accounts. A relay that is not reached is no error: the
// session is gone from here, and ends there by itself.
func (h *Homes) Logout(ctx context.Context, r localapi.AccountRequest) (localapi.Account, error) {
	u, err := h.accountRelay(ctx, r.Relay)
	if err != nil {
		return localapi.Account{}, err
	}
	a, err := h.cfg.Accounts.Logout(ctx, u.Key)
	if errors.Is(err, accounts.ErrStillOpen) {
		h.cfg.Log.Warn("log out", "relay", u.Key, "err", err)
		err = nil
	}
	return showAccount(a), AccountError(u, err)
}

// BeginPassword implements localapi.AccountOwner.
func (h *Homes) BeginPassword(ctx context.Context, r localapi.AccountRequest) (localapi.AccountStep, error) {
	u, err := h.accountRelay(ctx, r.Relay)
	if err != nil {
		return localapi.AccountStep{}, err
	}
	known, err := h.cfg.Accounts.Of(ctx, u.Key)
	if err != nil {
		return localapi.AccountStep{}, AccountError(u, err)
	}
	response, err := h.cfg.Accounts.BeginRegister(ctx, u, known.Name, r.Message)
	return localapi.AccountStep{Relay: u.String(), Name: known.Name, Message: response}, AccountError(u, err)
}

// ChangePassword implements localapi.AccountOwner.
func (h *Homes) ChangePassword(ctx context.Context, r localapi.AccountRequest) (localapi.Account, error) {
	u, err := h.accountRelay(ctx, r.Relay)
	if err != nil {
		return localapi.Account{}, err
	}
	a, err := h.cfg.Accounts.ChangePassword(ctx, u.Key, r.Message)
	return showAccount(a), AccountError(u, err)
}

// DeleteAccount implements localapi.AccountOwner.
func (h *Homes) DeleteAccount(ctx context.Context, r localapi.AccountRequest) (localapi.Account, error) {
	u, err := h.accountRelay(ctx, r.Relay)
	if err != nil {
		return localapi.Account{}, err
	}
	a, err := h.cfg.Accounts.Delete(ctx, u.Key)
	return showAccount(a), AccountError(u, err)
}

// homeRelay is the relay that was named, else the only home relay.
func (h *Homes) homeRelay(ctx context.Context, url string) (transport.RelayURL, error) {
	var urls []string
	err := h.cfg.Store.View(ctx, func(tx *store.Tx) error {
		rows, err := tx.Relays()
		for _, row := range rows {
			urls = append(urls, row.URL)
		}
		return err
	})
	if err != nil {
		return transport.RelayURL{}, err
	}
	return onlyRelay(url, urls)
}

// accountRelay is the relay that was named, else the only one with an account.
func (h *Homes) accountRelay(ctx context.Context, url string) (transport.RelayURL, error) {
	list, err := h.cfg.Accounts.List(ctx)
	if err != nil {
		return transport.RelayURL{}, err
	}
	var urls []string
	for _, a := range list {
		urls = append(urls, a.URL)
	}
	if url == "" && len(urls) == 0 {
		return transport.RelayURL{}, &localapi.Error{
			Message: "this node has no account at a relay",
			Hint:    "make one: qpc account register NAME --relay URL",
			Exit:    localapi.ExitOther,
		}
	}
	return onlyRelay(url, urls)
}

func onlyRelay(url string, urls []string) (transport.RelayURL, error) {
	switch {
	case url != "":
		return ParseRelay(url)
	case len(urls) == 1:
		return ParseRelay(urls[0])
	}
	return transport.RelayURL{}, &localapi.Error{
		Message: "which relay?",
		Hint:    "name it: --relay URL; qpc status lists those of this node",
		Exit:    localapi.ExitUsage,
	}
}

// AccountError puts what a relay said about an account into words.
func AccountError(u transport.RelayURL, err error) error {
	if err == nil {
		return nil
	}
	e := &localapi.Error{Message: err.Error(), Exit: localapi.ExitOther}
	var refused *rpc.Error
	switch {
	case errors.Is(err, accounts.ErrUnknown):
		e.Message, e.Hint = "this node has no account at that relay", "make one: qpc account register NAME --relay "+u.String()
	case errors.Is(err, rpc.ErrLogin):
		e.Message, e.Hint = localapi.LoginRefused, localapi.LoginHint
	case errors.Is(err, sessions.ErrSession):
		e.Message, e.Hint = "that relay answers only who is logged in there", "log in: qpc account login --relay "+u.String()+"; without an account: qpc account register NAME --relay "+u.String()
	case errors.Is(err, rpc.ErrUsername):
		errors.As(err, &refused)
		e.Message, e.Hint, e.Exit = "the relay refused that user name: "+refused.Text, "choose another one", localapi.ExitUsage
	case errors.Is(err, rpc.ErrInvite):
		e.Message, e.Hint = "the relay takes an invite code, and not this one", "ask its operator for one, and use it: --invite CODE"
	case errors.Is(err, rpc.ErrBusy):
		e.Message, e.Hint = "the relay is over a limit: "+err.Error(), "try again in ten minutes"
	case errors.Is(err, rpc.ErrNotOffered):
		e.Message, e.Hint = "that relay has no accounts", "a relay of this version has"
	case errors.As(err, &refused):
		e.Message = "the relay refused: " + refused.Text
	case errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, transport.ErrWrongKey):
		e.Exit, e.Hint = localapi.ExitSignature, "ask its operator for the right address"
	default:
		e.Message, e.Hint, e.Exit = "the relay is not reached: "+err.Error(), "qpc status says more", localapi.ExitNetwork
	}
	return e
}
