package main

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"quicnprotochat/node/localapi"
)

// whoami says who the node is.
func (c *chat) whoami(ctx context.Context, _ request) error {
	id, err := c.client.Identity(ctx)
	if err != nil {
		return err
	}
	return c.print(id, id.Identity+"  "+defuse(id.Name))
}

// status shows what the node is connected to.
func (c *chat) status(ctx context.Context, _ request) error {
	st, err := c.client.Status(ctx)
	if err != nil {
		return err
	}
	return c.print(st, statusText(st))
}

func statusText(st localapi.Status) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s\n", defuse(st.Name), st.Identity)
	fmt.Fprintf(&b, "LAN discovery %s\n", onOff(st.LAN))
	for _, addr := range st.Addrs {
		fmt.Fprintf(&b, "listening on %s\n", defuse(addr))
	}
	if len(st.Relays) == 0 {
		b.WriteString("no relay: people who are away get messages when both are here (qpc up --relay URL)\n")
	}
	for _, r := range st.Relays {
		state := "reached"
		switch {
		case !r.Reached && r.Error == "":
			state = "not reached yet"
		case !r.Reached:
			state = "not reached: " + defuse(r.Error)
		}
		fmt.Fprintf(&b, "relay %s %s\n", defuse(r.URL), state)
	}
	for _, p := range st.Peers {
		state := "not connected"
		if p.Connected {
			state = "connected, path " + string(p.Path)
		}
		if p.Suite != "" {
			state += ", " + suiteNote(p)
		}
		fmt.Fprintf(&b, "%s %s\n", defuse(p.Name), state)
		for _, t := range p.Tried {
			fmt.Fprintf(&b, "    tried %s: %s\n", defuse(t.Addr), defuse(cmp.Or(t.Error, "it worked")))
		}
	}
	fmt.Fprintf(&b, "waiting: %d to others, %d to be read in, %d without a key yet", st.Queue.Outbox, st.Queue.Inbox, st.Queue.Unreadable)
	return b.String()
}

// suiteNote says what protects a conversation.
func suiteNote(p localapi.Peer) string {
	if p.PostQuantum {
		return "post-quantum (" + defuse(p.Suite) + ")"
	}
	return "not post-quantum (" + defuse(p.Suite) + ")"
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Say which version this is.",
		Args:  exactly(0),
		RunE: func(*cobra.Command, []string) error {
			v := version()
			return a.print(v, strings.Join(strings.Fields("qpc "+v.Version+" "+v.Revision+" "+v.Go), " "))
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
