package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"quicnprotochat/cmd/qpc/cli"
	"quicnprotochat/node/accounts/proof"
	"quicnprotochat/node/localapi"
)

func (a *app) accountCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "account",
		Short: "Your accounts at relays.",
		Long: `Your accounts at relays. A relay that anybody may use needs none. One that runs
with --access account or invite keeps mail only for who has an account there.

An account is a user name and a password, bound to the key of this node. Neither the
relay nor the running node learns the password. It is asked for and not shown; for scripts it is read
from --password-file FILE (- is stdin), or from QPC_PASSWORD in the environment.`,
		Args: cobra.ArbitraryArgs,
		RunE: cli.NeedsCommand,
	}
	cmd.AddCommand(a.registerCommand(), a.loginCommand(), a.logoutCommand(), a.accountStatusCommand(),
		a.changePasswordCommand(), a.deleteAccountCommand())
	return cmd
}

// accountCall is a command about an account.
type accountCall struct {
	request localapi.AccountRequest
	// password and fresh are what it asks for, nil for nothing.
	password, fresh *cli.PasswordSource
	call            func(ctx context.Context, c *localapi.Client, r localapi.AccountRequest, password, fresh []byte) (localapi.Account, error)
	// done says what happened.
	done func(localapi.Account) string
}

// addRelay is the flag that says which relay.
func (c *accountCall) addRelay(cmd *cobra.Command) {
	cmd.Flags().StringVar(&c.request.Relay, "relay", "", "the relay at this `URL` (default the only one)")
}

// addPassword makes it ask for the password.
func (c *accountCall) addPassword(cmd *cobra.Command, twice bool) {
	c.password = &cli.PasswordSource{What: "password", Flag: "password-file", Env: "QPC_PASSWORD", Twice: twice}
	c.password.AddFlag(cmd)
}

// account finishes a command: its arguments are checked and in c.
func (a *app) account(cmd *cobra.Command, c *accountCall) error {
	client, h, err := a.Client(cmd)
	if err != nil {
		return err
	}
	defer client.Close()
	var password, fresh []byte
	if c.password != nil {
		if _, err := client.Identity(cmd.Context()); err != nil {
			return h.Explain(err) // before anybody types for nothing
		}
		if password, err = a.Password(cmd.Context(), *c.password); err != nil {
			return err
		}
		defer clear(password)
	}
	if c.fresh != nil {
		if fresh, err = a.Password(cmd.Context(), *c.fresh); err != nil {
			return err
		}
		defer clear(fresh)
	}
	got, err := c.call(cmd.Context(), client, c.request, password, fresh)
	if err != nil {
		return h.Explain(err)
	}
	return a.Print(got, c.done(got))
}

func (a *app) registerCommand() *cobra.Command {
	register := func(ctx context.Context, c *localapi.Client, r localapi.AccountRequest, password, _ []byte) (localapi.Account, error) {
		return proof.Register(ctx, c, r, password)
	}
	c := &accountCall{call: register, done: func(v localapi.Account) string {
		return fmt.Sprintf("Registered as %s at %s", cli.Defuse(v.Name), v.Relay)
	}}
	cmd := &cobra.Command{
		Use:   "register NAME",
		Short: "Make an account at a relay and log in.",
		Long: `Make an account at a relay and log in. NAME has 3 to 32 letters, digits, _, - and .;
others find you by it. The relay becomes one of this node's.`,
		Args: cli.Exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c.request.Name = args[0]
			return a.account(cmd, c)
		},
	}
	c.addRelay(cmd)
	c.addPassword(cmd, true)
	cmd.Flags().StringVar(&c.request.Invite, "invite", "", "the invite `CODE` that the relay asks for")
	return cmd
}

func (a *app) loginCommand() *cobra.Command {
	login := func(ctx context.Context, c *localapi.Client, r localapi.AccountRequest, password, _ []byte) (localapi.Account, error) {
		return proof.Login(ctx, c, r, password)
	}
	c := &accountCall{call: login, done: func(v localapi.Account) string {
		return fmt.Sprintf("Logged in as %s at %s", cli.Defuse(v.Name), v.Relay)
	}}
	cmd := &cobra.Command{
		Use:   "login [NAME]",
		Short: "Log in to an account at a relay.",
		Args:  cli.Between(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				c.request.Name = args[0]
			}
			return a.account(cmd, c)
		},
	}
	c.addRelay(cmd)
	c.addPassword(cmd, false)
	return cmd
}

func (a *app) logoutCommand() *cobra.Command {
	logout := func(ctx context.Context, c *localapi.Client, r localapi.AccountRequest, _, _ []byte) (localapi.Account, error) {
		return c.Logout(ctx, r)
	}
	c := &accountCall{call: logout, done: func(v localapi.Account) string {
		return fmt.Sprintf("Logged out from %s", v.Relay)
	}}
	cmd := &cobra.Command{
		Use:   "logout",
		Short: "End the session at a relay; the account stays.",
		Args:  cli.Exactly(0),
		RunE:  func(cmd *cobra.Command, _ []string) error { return a.account(cmd, c) },
	}
	c.addRelay(cmd)
	return cmd
}

func (a *app) accountStatusCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "List the accounts of this node.",
		Args:  cli.Exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, h, err := a.Client(cmd)
			if err != nil {
				return err
			}
			defer client.Close()
			list, err := client.Accounts(cmd.Context())
			if err != nil {
				return h.Explain(err)
			}
			for _, v := range list {
				state := "logged in"
				if !v.Session {
					state = "logged out"
				}
				if err := a.Print(v, fmt.Sprintf("%-20s %s  %s", cli.Defuse(v.Name), v.Relay, state)); err != nil {
					return err
				}
			}
			if len(list) == 0 {
				a.Note("No accounts. A relay that anybody may use needs none; else: qpc account register NAME --relay URL")
			}
			return nil
		},
	}
}

func (a *app) changePasswordCommand() *cobra.Command {
	change := func(ctx context.Context, c *localapi.Client, r localapi.AccountRequest, old, fresh []byte) (localapi.Account, error) {
		return proof.ChangePassword(ctx, c, r.Relay, old, fresh)
	}
	c := &accountCall{call: change, done: func(v localapi.Account) string {
		return fmt.Sprintf("The password of %s at %s is changed; other sessions have ended", cli.Defuse(v.Name), v.Relay)
	}}
	cmd := &cobra.Command{
		Use:   "password",
		Short: "Change the password of an account.",
		Args:  cli.Exactly(0),
		RunE:  func(cmd *cobra.Command, _ []string) error { return a.account(cmd, c) },
	}
	c.addRelay(cmd)
	c.addPassword(cmd, false)
	c.fresh = &cli.PasswordSource{What: "new password", Flag: "new-password-file", Env: "QPC_NEW_PASSWORD", Twice: true}
	cmd.Flags().StringVar(&c.fresh.File, "new-password-file", "", "read the new password from `FILE`, - for stdin (default $QPC_NEW_PASSWORD, else ask)")
	return cmd
}

func (a *app) deleteAccountCommand() *cobra.Command {
	remove := func(ctx context.Context, c *localapi.Client, r localapi.AccountRequest, password, _ []byte) (localapi.Account, error) {
		return proof.Delete(ctx, c, r.Relay, password)
	}
	c := &accountCall{call: remove, done: func(v localapi.Account) string {
		return fmt.Sprintf("The account %s at %s is deleted, with the mail that waited there", cli.Defuse(v.Name), v.Relay)
	}}
	cmd := &cobra.Command{
		Use:   "delete",
		Short: "Delete an account and all that its relay keeps for this node.",
		Args:  cli.Exactly(0),
		RunE:  func(cmd *cobra.Command, _ []string) error { return a.account(cmd, c) },
	}
	c.addRelay(cmd)
	c.addPassword(cmd, false)
	return cmd
}
