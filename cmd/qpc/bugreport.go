package main

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"quicnprotochat/cmd/qpc/cli"
	"quicnprotochat/node/localapi"
)

// bugReport is what may be published: numbers and words of this program, and nothing
// that anybody typed, is called, or can be found by.
type bugReport struct {
	Version  string `json:"version"`
	Revision string `json:"revision"`
	Go       string `json:"go"`
	System   string `json:"system"`
	// Node is whether one answers.
	Node bool `json:"node"`
	// Checks are those of qpc doctor, by name, and how many of each found nothing and
	// something to do.
	Checks map[string]checkCount `json:"checks"`
	LAN    bool                  `json:"lan"`
	// People and connections are counted by path and by suite.
	People int            `json:"people"`
	Paths  map[string]int `json:"paths"`
	Suites map[string]int `json:"suites"`
	Groups int            `json:"groups"`
	Queue  localapi.Queue `json:"queue"`
}

// checkCount is how often a check was good and bad.
type checkCount struct {
	OK  int `json:"ok"`
	Bad int `json:"bad"`
}

func (a *app) bugReportCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "bugreport",
		Short: "Write what helps to find a fault, without anything personal.",
		Long: `Write what helps to find a fault, without anything personal: versions, which checks
of qpc doctor found something, and numbers of people, paths and waiting messages. It
holds no key, name, address, URL, text, or place of a file.`,
		Args: cli.Exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			h, err := a.Home(cmd)
			if err != nil {
				return err
			}
			report := report(cmd.Context(), h)
			b, err := json.MarshalIndent(report, "", "  ")
			if err != nil {
				return fmt.Errorf("write report: %w", err)
			}
			return a.Print(report, string(b))
		},
	}
}

// report gathers a report of a home.
func report(ctx context.Context, h cli.Home) bugReport {
	v := version()
	r := bugReport{
		Version: v.Version, Revision: v.Revision, Go: v.Go, System: runtime.GOOS + "/" + runtime.GOARCH,
		Checks: map[string]checkCount{}, Paths: map[string]int{}, Suites: map[string]int{},
	}
	for _, f := range examine(ctx, h) {
		n := r.Checks[f.Check]
		if f.OK {
			n.OK++
		} else {
			n.Bad++
		}
		r.Checks[f.Check] = n
	}
	c := localapi.NewClient(h.Socket)
	defer c.Close()
	st, err := c.Status(ctx)
	if err != nil {
		return r
	}
	r.Node, r.LAN, r.People, r.Queue = true, st.LAN, len(st.Peers), st.Queue
	for _, p := range st.Peers {
		r.Paths[string(p.Path)]++
		r.Suites[p.Suite]++
	}
	groups, _ := c.Groups(ctx)
	r.Groups = len(groups)
	return r
}
