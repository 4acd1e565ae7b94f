package main

import (
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"
)

// pathsObject says where everything of a home lies, as JSON.
type pathsObject struct {
	Home   string `json:"home"`
	Store  string `json:"store"`
	Key    string `json:"key"`
	Socket string `json:"socket"`
}

func (a *app) pathsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "paths",
		Short: "Say where everything of this home lies.",
		Long: `Say where everything of this home lies: the store, which is encrypted; the key to
it, which nobody else may read; and the socket of the local API. Nothing is
created, and no node needs to run.`,
		Args: exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			h, err := a.home(cmd)
			if err != nil {
				return err
			}
			p := h.paths()
			return a.print(p, fmt.Sprintf("home    %s\nstore   %s\nkey     %s\nsocket  %s", p.Home, p.Store, p.Key, p.Socket))
		},
	}
}

func (h home) paths() pathsObject {
	return pathsObject{h.dir, filepath.Join(h.dir, "node.db"), filepath.Join(h.dir, "node.key"), h.socket}
}
