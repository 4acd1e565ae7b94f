package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"quicnprotochat/cmd/qpc/cli"
)

func (a *app) pathsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "paths",
		Short: "Say where everything of this home lies.",
		Long: `Say where everything of this home lies: the store, which is encrypted; the key to
it, which nobody else may read; and the socket of the local API. Nothing is
created, and no node needs to run.`,
		Args: cli.Exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			h, err := a.Home(cmd)
			if err != nil {
				return err
			}
			p := h.Paths()
			return a.Print(p, fmt.Sprintf("home    %s\nstore   %s\nkey     %s\nsocket  %s", p.Home, p.Store, p.Key, p.Socket))
		},
	}
}
