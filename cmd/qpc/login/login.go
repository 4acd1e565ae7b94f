package login

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"quicnprotochat/cmd/qpc/cli"
	"quicnprotochat/cmd/qpc/terminal"
	"quicnprotochat/node/accounts/proof"
	"quicnprotochat/node/localapi"
)

// Flags are the flags of a chat that begins with an account.
type Flags struct {
	// Username is that of the account; "" for none.
	Username         string
	password, invite string
	register         bool
	source           cli.PasswordSource
}

// Add puts the flags on a command.
func (f *Flags) Add(cmd *cobra.Command) {
	f.source = cli.PasswordSource{What: "password", Flag: "password-file", Env: "QPC_PASSWORD"}
	cmd.Flags().StringVar(&f.Username, "username", "", "be logged in as `NAME` at the relay; asks before it makes an account")
	cmd.Flags().StringVar(&f.password, "password", "", "the `PASSWORD` of the account; others on this machine can see it: better is --password-file")
	cmd.Flags().StringVar(&f.source.File, "password-file", "", "read the password from `FILE` (default $QPC_PASSWORD, else ask)")
	cmd.Flags().BoolVar(&f.register, "register", false, "make the account if the relay refuses the login")
	cmd.Flags().StringVar(&f.invite, "invite", "", "the invite `CODE` that the relay asks of a new account")
}

// Check refuses flags that do not go together.
func (f *Flags) Check(cmd *cobra.Command) error {
	switch {
	case cmd.Flags().Changed("username") && strings.TrimSpace(f.Username) == "":
		return cli.Misused(cmd, "--username is empty")
	case f.source.File == "-":
		return cli.Misused(cmd, "--password-file - is stdin, which a chat needs itself")
	case f.Username != "":
		return nil
	}
	for _, name := range []string{"password", "password-file", "register", "invite"} {
		if cmd.Flags().Changed(name) {
			return cli.Misused(cmd, "--"+name+" needs --username")
		}
	}
	return nil
}

// In makes sure that the node has a session at a relay, "" meaning its only one. It asks
// for what is missing, and never makes an account unasked.
func (f *Flags) In(ctx context.Context, a *cli.App, client *localapi.Client, relay string) error {
	known, err := client.Accounts(ctx)
	if err != nil {
		return err
	}
	ours := false
	for _, k := range known {
		if !strings.EqualFold(k.Name, f.Username) || k.Relay != relay && relay != "" {
			continue
		}
		if ours = true; k.Session {
			return nil
		}
	}
	r, password := localapi.AccountRequest{Relay: relay, Name: f.Username, Invite: f.invite}, []byte(f.password)
	_, inEnv := os.LookupEnv(f.source.Env) // reading it takes it away
	typed := f.password == "" && f.source.File == "" && !inEnv
	if f.password == "" {
		if password, err = a.Password(ctx, f.source); err != nil {
			return err
		}
	}
	defer clear(password)
	account, err := proof.Login(ctx, client, r, password)
	if err == nil {
		a.Note("Logged in as %s at %s", cli.Defuse(account.Name), account.Relay)
		return nil
	}
	if ours || localapi.AsError(err).Message != localapi.LoginRefused {
		return err // an account that this node made is there: the password is wrong
	}
	if !f.register {
		if !terminal.Is(a.Stdin) || !terminal.Is(a.Stdout) || a.JSON {
			refused := *localapi.AsError(err)
			refused.Hint = "if there is no such account yet: --register makes it"
			return &refused
		}
		answer, askErr := terminal.Ask(ctx, a.Stdin, a.Stdout, fmt.Sprintf("The relay knows no %s with that password. Make a new account? [y/N] ", cli.Defuse(f.Username)))
		if answer = strings.ToLower(strings.TrimSpace(answer)); askErr != nil || answer != "y" && answer != "yes" {
			return cmp.Or(askErr, err)
		}
		if typed {
			if err := f.again(ctx, a, password); err != nil {
				return err
			}
		}
	}
	if account, err = proof.Register(ctx, client, r, password); err == nil {
		a.Note("Registered as %s at %s", cli.Defuse(account.Name), account.Relay)
	}
	return err
}

// again asks once more for a password that was typed and not seen, before an account is
// made with it.
func (f *Flags) again(ctx context.Context, a *cli.App, typed []byte) error {
	source := f.source
	source.What += ", again"
	again, err := a.Password(ctx, source)
	defer clear(again)
	if err == nil && !bytes.Equal(typed, again) {
		err = cli.UsageError("the two are not the same", "start again; no account was made")
	}
	return err
}
