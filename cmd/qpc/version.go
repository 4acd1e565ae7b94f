package main

import (
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"quicnprotochat/cmd/qpc/cli"
)

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Say which version this is.",
		Args:  cli.Exactly(0),
		RunE: func(*cobra.Command, []string) error {
			v := version()
			return a.Print(v, strings.Join(strings.Fields("qpc "+v.Version+" "+v.Revision+" "+v.Go), " "))
		},
	}
}

// versionObject says which version this is, as JSON.
type versionObject struct {
	Version  string `json:"version"`
	Revision string `json:"revision"`
	Go       string `json:"go"`
}

func version() versionObject {
	v := versionObject{"(devel)", "", runtime.Version()}
	if info, ok := debug.ReadBuildInfo(); ok {
		if info.Main.Version != "" {
			v.Version = info.Main.Version
		}
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				v.Revision = s.Value
			}
		}
	}
	return v
}
