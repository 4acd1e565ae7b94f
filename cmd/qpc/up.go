package main

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"quicnprotochat/cmd/qpc/cli"
	"quicnprotochat/node"
)

func (a *app) upCommand() *cobra.Command {
	var flags cli.NodeFlags
	var hooks hookFlags
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Run the node of this home until it is stopped.",
		Long: `Run the node of this home until it is stopped (Ctrl-C, or SIGTERM). It waits for
no relay and no LAN: qpc status says what it reached.

--hook and --notify are for who does not look at a chat: the first runs a command of
yours for each message that comes in, the second tells on the desktop from whom it is,
and not what it says.`,
		Args: cli.Exactly(0),
	}
	flags.Add(cmd, "info")
	hooks.add(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := hooks.check(cmd); err != nil {
			return err
		}
		h, err := a.Home(cmd)
		if err != nil {
			return err
		}
		return a.WithNode(cmd, h, &flags, func(ctx context.Context, r node.Ready) error {
			var watching sync.WaitGroup
			defer watching.Wait()
			watching.Go(func() { a.watch(ctx, h, hooks) })
			return a.isUp(ctx, r)
		})
	}
	return cmd
}

// isUp says that the node is ready and waits until it is told to end.
func (a *app) isUp(ctx context.Context, r node.Ready) error {
	event := struct {
		Event    string   `json:"event"`
		Identity string   `json:"identity"`
		Name     string   `json:"name"`
		Addrs    []string `json:"addrs"`
	}{"ready", r.Identity, r.Name, append([]string{}, r.Addrs...)}
	text := fmt.Sprintf("%s  %s\nlistening on:\n  %s\nReady. Ctrl-C ends it.", cli.Defuse(r.Name), r.Identity, strings.Join(r.Addrs, "\n  "))
	if err := a.Print(event, text); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}
