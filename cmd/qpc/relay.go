package main

import (
	"errors"

	"github.com/spf13/cobra"

	"quicnprotochat/node/localapi"
	"quicnprotochat/relay"
)

func (a *app) relayCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "relay",
		Short: "Host a relay, or use one no longer.",
		Args:  cobra.ArbitraryArgs,
		RunE:  group,
	}
	cmd.AddCommand(a.relayInitCommand(), a.relayRunCommand(), a.relayForgetCommand())
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
	case errors.Is(err, relay.ErrInUse):
		e.Message, e.Hint = "another relay runs on the home "+h.dir, "stop it first, or use another home: --home DIR"
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
