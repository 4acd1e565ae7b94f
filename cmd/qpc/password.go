package main

import (
	"log/slog"

	"github.com/spf13/cobra"

	"quicnprotochat/cmd/qpc/cli"
	"quicnprotochat/node"
	"quicnprotochat/node/localapi"
)

func (a *app) passwordCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "password",
		Short: "Lock this home with a state password.",
		Long: `Lock this home with a state password: without it, whoever has the files of this home
has you. Every command here encrypts the store anew, under a fresh key. The node must
be stopped. A password that is forgotten cannot be found again.

Passwords are asked for and not shown. For scripts the present one comes from
--state-password-file FILE or QPC_STATE_PASSWORD, the new one from --new-password-file
FILE or QPC_NEW_STATE_PASSWORD; qpc up and qpc chat take the former as well.`,
		Args: cobra.ArbitraryArgs,
		RunE: cli.NeedsCommand,
	}
	cmd.AddCommand(
		a.lockCommand("set", "Set a state password where there is none.", false, true, "The home is locked. qpc up and qpc chat ask for the password."),
		a.lockCommand("change", "Change the state password.", true, true, "The home is locked with the new password."),
		a.lockCommand("remove", "Remove the state password.", true, false, "The home has no password any more."),
	)
	return cmd
}

// lockObject says whether a home is locked, as JSON.
type lockObject struct {
	Locked bool `json:"locked"`
}

// lockCommand makes a command that needs the present password, sets a new one, or
// both.
func (a *app) lockCommand(use, short string, has, sets bool, done string) *cobra.Command {
	old, next := cli.StatePassword(), cli.PasswordSource{
		What: "new state password", Flag: "new-password-file", Env: "QPC_NEW_STATE_PASSWORD", Twice: true,
	}
	cmd := &cobra.Command{Use: use, Short: short, Args: cli.Exactly(0)}
	if has {
		cmd.Flags().StringVar(&old.File, old.Flag, "", "read the present password from `FILE`, - for stdin (default $QPC_STATE_PASSWORD, else ask)")
	}
	if sets {
		cmd.Flags().StringVar(&next.File, next.Flag, "", "read the new password from `FILE`, - for stdin (default $QPC_NEW_STATE_PASSWORD, else ask)")
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		h, err := a.Home(cmd)
		if err != nil {
			return err
		}
		if err := lockable(h, has); err != nil {
			return err
		}
		var present, fresh []byte
		if has {
			if present, err = a.Password(cmd.Context(), old); err != nil {
				return err
			}
			defer clear(present)
		}
		if sets {
			if fresh, err = a.Password(cmd.Context(), next); err != nil {
				return err
			}
			defer clear(fresh)
		}
		if err := node.ChangePassword(h.Dir, present, fresh, slog.New(slog.DiscardHandler)); err != nil {
			return err
		}
		return a.Print(lockObject{sets}, done)
	}
	return cmd
}

// lockable refuses a home before anybody types for nothing: one that is not there or
// in use, or that has a password where none is wanted, or the other way round.
func lockable(h cli.Home, has bool) error {
	if there, err := node.IsHome(h.Dir); err != nil || !there {
		if err == nil {
			err = &localapi.Error{Message: "there is no node in " + h.Dir, Hint: "qpc up" + h.Flag + " makes one", Exit: localapi.ExitHome}
		}
		return err
	}
	if node.InUse(h.Dir) {
		return &localapi.Error{Message: "a node runs for this home", Hint: "stop it first: qpc down" + h.Flag, Exit: localapi.ExitHome}
	}
	locked, err := node.HasPassword(h.Dir)
	switch {
	case err != nil:
		return err
	case locked && !has:
		return cli.UsageError("the home has a state password", "qpc password change"+h.Flag)
	case !locked && has:
		return cli.UsageError("the home has no state password", "qpc password set"+h.Flag)
	}
	return nil
}
