package main

import (
	"errors"

	"github.com/spf13/cobra"

	"quicnprotochat/node/localapi"
	"quicnprotochat/relay"
	"quicnprotochat/relay/accounts"
	"quicnprotochat/relay/admin"
)

func (a *app) relayCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "relay",
		Short: "Host and operate a relay, or use one no longer.",
		Args:  cobra.ArbitraryArgs,
		RunE:  group,
	}
	cmd.AddCommand(
		a.relayInitCommand(), a.relayRunCommand(), a.relayStatusCommand(), a.relayUsersCommand(), a.relayInviteCommand(), a.relayCheckCommand(),
		a.relayBackupCommand(), a.relayRestoreCommand(), a.relayCompactCommand(), a.relayForgetCommand(),
	)
	return cmd
}

// relayError puts what keeps a relay from running into words.
func relayError(h home, err error) error {
	if err == nil {
		return nil
	}
	e := &localapi.Error{Message: err.Error(), Exit: localapi.ExitHome}
	switch {
	case errors.Is(err, relay.ErrConfig):
		e.Exit, e.Hint = localapi.ExitUsage, "see: qpc help relay run, and the file that qpc relay init makes"
	case errors.Is(err, relay.ErrListen):
		e.Exit, e.Hint = localapi.ExitNetwork, "another program may have that port: choose one with --listen"
	case errors.Is(err, relay.ErrKind):
		e.Message, e.Hint = "the home "+h.dir+" belongs to a node", "use another home for a relay: --home DIR"
	case errors.Is(err, relay.ErrHome):
		e.Message, e.Hint = "there is no relay in "+h.dir, "make one with: qpc relay init"+h.flag
	case errors.Is(err, relay.ErrRestoring):
		e.Message, e.Hint = "a restore of "+h.dir+" did not come to its end", "run it again: qpc relay restore FILE"+h.flag
	case errors.Is(err, relay.ErrInUse):
		e.Message, e.Hint = "another relay runs on the home "+h.dir, "stop it first, or use another home: --home DIR"
	case errors.Is(err, accounts.ErrNoUser):
		e.Exit, e.Hint = localapi.ExitContact, "see: qpc relay users"+h.flag
	case errors.Is(err, accounts.ErrInvite):
		e.Exit, e.Hint = localapi.ExitContact, "see: qpc relay invite list"+h.flag
	case errors.Is(err, admin.ErrRunning):
		e.Message, e.Hint = "the relay of "+h.dir+" is running", "stop it first"
	case errors.Is(err, admin.ErrNotEmpty):
		e.Message, e.Hint = h.dir+" is not empty", "nothing was changed; restore into another home: --home DIR"
	case errors.Is(err, admin.ErrBackup):
		e.Exit, e.Hint = localapi.ExitUsage, "nothing was changed; take a backup that is whole"
	case errors.Is(err, admin.ErrExists):
		e.Exit, e.Hint = localapi.ExitUsage, "nothing was replaced: choose another name"
	case errors.Is(err, relay.ErrNewer):
		e.Hint = "this home was used by a newer qpc: use that one"
	case errors.Is(err, relay.ErrDamaged):
		e.Hint = "nothing was changed; keep a copy of " + h.dir + " before you try anything"
	default:
		return err
	}
	return e
}

func (a *app) relayForgetCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "forget URL",
		Short: "Use a relay no longer.",
		Args:  exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, h, err := a.client(cmd)
			if err != nil {
				return err
			}
			if err := c.ForgetRelay(cmd.Context(), args[0]); err != nil {
				return h.explain(err)
			}
			return a.print(struct {
				URL string `json:"url"`
			}{args[0]}, "This node uses it no longer: "+defuse(args[0]))
		},
	}
}
