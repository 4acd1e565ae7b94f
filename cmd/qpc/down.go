package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"quicnprotochat/cmd/qpc/cli"
	"quicnprotochat/node"
	"quicnprotochat/node/localapi"
)

// downTime is how long a node may take to end when it is asked to; a service
// that needs longer ends itself before.
const downTime = 10 * time.Second

func (a *app) downCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "down",
		Short: "Stop the node that runs for this home.",
		Long: `Stop the node that runs for this home, and wait until it has ended. What waits to
be sent is kept and goes on when the node runs again.`,
		Args: cli.Exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, h, err := a.Client(cmd)
			if err != nil {
				return err
			}
			defer c.Close()
			if err := c.Stop(cmd.Context()); err != nil {
				return h.Explain(err)
			}
			if err := awaitDown(cmd.Context(), h); err != nil {
				return err
			}
			return a.Print(map[string]bool{"stopped": true}, "Stopped.")
		},
	}
}

// awaitDown returns when the home is free for another node.
func awaitDown(ctx context.Context, h cli.Home) error {
	ctx, cancel := context.WithTimeout(ctx, downTime)
	defer cancel()
	pause := time.NewTicker(10 * time.Millisecond)
	defer pause.Stop()
	for node.InUse(h.Dir) {
		select {
		case <-pause.C:
		case <-ctx.Done():
			return &localapi.Error{Message: "the node was asked to end and still runs", Hint: "wait a little, or end its process", Exit: localapi.ExitOther}
		}
	}
	return nil
}
