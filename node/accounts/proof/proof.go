package proof

import (
	"context"
	"errors"
	"fmt"

	"quicnprotochat/node/localapi"
	"quicnprotochat/rpc/account"
)

// Carrier is the node whose account it is: a localapi.Client, or the node itself.
type Carrier interface {
	localapi.AccountMaker
	localapi.AccountOwner
	BeginLogin(ctx context.Context, r localapi.AccountRequest) (localapi.AccountStep, error)
	Login(ctx context.Context, r localapi.AccountRequest) (localapi.Account, error)
}

// Register makes an account at the relay that r names, or at the only one, and logs
// in. The caller wipes password, here and below. Errors are those of the Carrier and
// of localapi.CheckNewPassword.
func Register(ctx context.Context, c Carrier, r localapi.AccountRequest, password []byte) (localapi.Account, error) {
	step, record, err := record(ctx, c.BeginRegister, r, password)
	if err != nil {
		return localapi.Account{}, err
	}
	r.Relay, r.Message = step.Relay, record
	if _, err := c.Register(ctx, r); err != nil {
		return localapi.Account{}, err
	}
	a, err := Login(ctx, c, r, password)
	var e *localapi.Error
	if errors.As(err, &e) {
		made := *e
		made.Hint = fmt.Sprintf("the account is made: qpc account login %s --relay %s", r.Name, r.Relay)
		return a, &made
	}
	return a, err
}

// Login logs in at the relay that r names, or at the only one. A wrong password is
// an error with localapi.LoginRefused.
func Login(ctx context.Context, c Carrier, r localapi.AccountRequest, password []byte) (localapi.Account, error) {
	// What the password costs to try is known after the first message, which does not
	// depend on it.
	run, err := account.NewClient(account.DefaultStretch())
	if err != nil {
		return localapi.Account{}, err
	}
	defer run.Close()
	if r.Message, err = run.Login(password); err != nil {
		return localapi.Account{}, err
	}
	step, err := c.BeginLogin(ctx, r)
	if err != nil {
		return localapi.Account{}, err
	}
	stretch, err := account.ParseStretch(step.Stretch)
	if err != nil {
		return localapi.Account{}, fmt.Errorf("account of the node: %w", err)
	}
	run.StretchBy(stretch)
	r.Relay, r.Name = step.Relay, step.Name
	if r.Message, err = run.FinishLogin(step.Message); err != nil {
		return localapi.Account{}, refused(err)
	}
	return c.Login(ctx, r)
}

// ChangePassword replaces the password of the account at a relay, "" meaning the
// only one, by fresh.
func ChangePassword(ctx context.Context, c Carrier, relay string, old, fresh []byte) (localapi.Account, error) {
	if err := localapi.CheckNewPassword(fresh); err != nil {
		return localapi.Account{}, err
	}
	a, err := Login(ctx, c, localapi.AccountRequest{Relay: relay}, old)
	if err != nil {
		return localapi.Account{}, err
	}
	r := localapi.AccountRequest{Relay: a.Relay}
	if _, r.Message, err = record(ctx, c.BeginPassword, r, fresh); err != nil {
		return localapi.Account{}, err
	}
	return c.ChangePassword(ctx, r)
}

// Delete removes the account at a relay, "" meaning the only one.
func Delete(ctx context.Context, c Carrier, relay string, password []byte) (localapi.Account, error) {
	a, err := Login(ctx, c, localapi.AccountRequest{Relay: relay}, password)
	if err != nil {
		return localapi.Account{}, err
	}
	return c.DeleteAccount(ctx, localapi.AccountRequest{Relay: a.Relay})
}

// record makes the registration record of a new password.
func record(ctx context.Context, begin func(context.Context, localapi.AccountRequest) (localapi.AccountStep, error), r localapi.AccountRequest, password []byte) (step localapi.AccountStep, record []byte, err error) {
	if err := localapi.CheckNewPassword(password); err != nil {
		return step, nil, err
	}
	run, err := account.NewClient(account.DefaultStretch())
	if err != nil {
		return step, nil, err
	}
	defer run.Close()
	if r.Message, err = run.Register(password); err != nil {
		return step, nil, err
	}
	if step, err = begin(ctx, r); err != nil {
		return step, nil, err
	}
	if record, err = run.FinishRegister(step.Message); err != nil {
		return step, nil, refused(err)
	}
	return step, record, nil
}

// refused puts what is wrong with the answer of a relay into words.
func refused(err error) error {
	if errors.Is(err, account.ErrPassword) {
		return &localapi.Error{Message: localapi.LoginRefused, Hint: localapi.LoginHint, Exit: localapi.ExitOther}
	}
	return &localapi.Error{Message: "the relay's answer makes no sense: " + err.Error(), Hint: "ask its operator which program it runs", Exit: localapi.ExitOther}
}
