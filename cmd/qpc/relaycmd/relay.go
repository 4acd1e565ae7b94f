package relaycmd

import (
	"errors"

	"github.com/spf13/cobra"

	"quicnprotochat/cmd/qpc/cli"
	"quicnprotochat/node/disk"
	"quicnprotochat/node/localapi"
	"quicnprotochat/relay"
	"quicnprotochat/relay/accounts"
	"quicnprotochat/relay/admin"
)

type commands struct{ *cli.App }

// New returns the command with all others of a relay below it.
func New(app *cli.App) *cobra.Command {
	a := &commands{app}
	cmd := &cobra.Command{
		Use:   "relay",
		Short: "Host and operate a relay, use one, or use one no longer.",
		Args:  cobra.ArbitraryArgs,
		RunE:  cli.NeedsCommand,
	}
	cmd.AddCommand(
		a.initCommand(), a.runCommand(), a.unitCommand(), a.statusCommand(), a.usersCommand(), a.inviteCommand(), a.checkCommand(),
		a.backupCommand(), a.restoreCommand(), a.compactCommand(),
	)
	return cmd
}

// relayError puts what keeps a relay from running into words.
func relayError(h cli.Home, err error) error {
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
		e.Message, e.Hint = "the home "+h.Dir+" belongs to a node", "use another home for a relay: --home DIR"
	case errors.Is(err, relay.ErrHome):
		e.Message, e.Hint = "there is no relay in "+h.Dir, "make one with: qpc relay init"+h.Flag
	case errors.Is(err, relay.ErrRestoring):
		e.Message, e.Hint = "a restore of "+h.Dir+" did not come to its end", "run it again: qpc relay restore FILE"+h.Flag
	case errors.Is(err, relay.ErrInUse):
		e.Message, e.Hint = "another relay runs on the home "+h.Dir, "stop it first, or use another home: --home DIR"
	case errors.Is(err, accounts.ErrNoUser):
		e.Exit, e.Hint = localapi.ExitContact, "see: qpc relay users"+h.Flag
	case errors.Is(err, accounts.ErrInvite):
		e.Exit, e.Hint = localapi.ExitContact, "see: qpc relay invite list"+h.Flag
	case errors.Is(err, accounts.ErrBounds):
		e.Exit, e.Hint = localapi.ExitUsage, "none was made"
	case errors.Is(err, admin.ErrNotEmpty):
		e.Message, e.Hint = h.Dir+" is not empty", "nothing was changed; restore into another home: --home DIR"
	case errors.Is(err, admin.ErrBackup):
		e.Exit, e.Hint = localapi.ExitUsage, "nothing was changed; take a backup that is whole"
	case errors.Is(err, admin.ErrExists):
		e.Exit, e.Hint = localapi.ExitUsage, "nothing was replaced: choose another name"
	case errors.Is(err, relay.ErrNewer):
		e.Hint = "this home was used by a newer qpc: use that one"
	case errors.Is(err, relay.ErrDamaged):
		e.Hint = "nothing was changed; keep a copy of " + h.Dir + " before you try anything"
	default:
		return disk.Words(h.Dir, err)
	}
	return e
}
