package cli

import (
	"context"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"quicnprotochat/node"
)

// NodeFlags are the flags of the commands that run a node.
type NodeFlags struct {
	listen, Relays []string
	lan, portMap   string
	Name           string
	state          string
	stateSource    PasswordSource
	log            logFlag
}

// StatePassword is where the password of a home comes from.
func StatePassword() PasswordSource {
	return PasswordSource{What: "state password", Flag: "state-password-file", Env: "QPC_STATE_PASSWORD"}
}

// Add puts the flags on a command that logs from a level on.
func (f *NodeFlags) Add(cmd *cobra.Command, level string) {
	cmd.Flags().StringArrayVar(&f.listen, "listen", nil, "listen on this `ADDRESS`, like /ip4/0.0.0.0/udp/7001/quic-v1; repeatable (default all addresses, on the port used last; at first a free one)")
	cmd.Flags().StringArrayVar(&f.Relays, "relay", nil, "use the relay at this `URL`, now and later; repeatable")
	cmd.Flags().StringVar(&f.lan, "lan", "", "find people on the LAN and be found there, `on|contacts|off`: by everybody, or by contacts alone; remembered (default on)")
	cmd.Flags().StringVar(&f.portMap, "port-map", "", "ask the router to forward the port (UPnP, NAT-PMP), `on|off`; remembered (default on, but off with --lan off)")
	cmd.Flags().StringVar(&f.Name, "name", "", "call yourself `NAME` in your links; taken when the home is new (default one made of the identity)")
	f.stateSource = StatePassword()
	cmd.Flags().StringVar(&f.state, "state-password", "", "the `PASSWORD` that locks this home; others on this machine can see it: better is --state-password-file")
	cmd.Flags().StringVar(&f.stateSource.File, "state-password-file", "", "read the state password from `FILE` (default $QPC_STATE_PASSWORD, else ask if there is one)")
	f.log.add(cmd, level)
	Choices(cmd, "lan", "on", "contacts", "off")
	Choices(cmd, "port-map", "on", "off")
}

// Given reports whether any of the flags stands on the command line; that of the
// relay may be for the login.
func (f *NodeFlags) Given(cmd *cobra.Command, login bool) bool {
	for _, name := range []string{"listen", "relay", "lan", "port-map", "name", "state-password", "state-password-file"} {
		if cmd.Flags().Changed(name) && (name != "relay" || !login) {
			return true
		}
	}
	return false
}

// check refuses flags that are given and empty.
func (f *NodeFlags) check(cmd *cobra.Command) error {
	switch {
	case cmd.Flags().Changed("name") && strings.TrimSpace(f.Name) == "":
		return Misused(cmd, "--name is empty")
	case cmd.Flags().Changed("state-password") && f.state == "":
		return Misused(cmd, "--state-password is empty")
	case f.stateSource.File == "-":
		return Misused(cmd, "--state-password-file - is stdin, which is for what is typed")
	case cmd.Flags().Changed("lan") && !slices.Contains([]string{"on", "contacts", "off"}, f.lan):
		return Misused(cmd, "--lan is on, contacts or off")
	case cmd.Flags().Changed("port-map") && f.portMap != "on" && f.portMap != "off":
		return Misused(cmd, "--port-map is on or off")
	default:
		return nil
	}
}

// WithNode runs the node of a home for as long as do runs. The context of do
// ends with ctx, and when the node ends before.
func (a *App) WithNode(cmd *cobra.Command, h Home, f *NodeFlags, do func(context.Context, node.Ready) error) error {
	if err := f.check(cmd); err != nil {
		return err
	}
	log, err := a.logger(cmd, f.log)
	if err != nil {
		return err
	}
	password, err := a.statePassword(cmd.Context(), h, f)
	if err != nil {
		return err
	}
	ready := make(chan node.Ready, 1)
	n, err := node.New(cmd.Context(), node.Config{
		Dir: h.Dir, Password: password, Socket: h.Socket, Name: f.Name, Listen: f.listen, Relays: f.Relays, LAN: f.lan, PortMap: f.portMap,
		OnReady: func(r node.Ready) { ready <- r }, Log: log,
	})
	if cmd.Context().Err() != nil {
		return nil // told to end while it began
	}
	if err != nil {
		return err
	}
	return While(cmd.Context(), n.Run, ready, func(ctx context.Context, r node.Ready) error {
		if f.Name != "" && r.Name != f.Name {
			a.Note("This node is called %s: --name counts when the home is new, and is cleaned.", Defuse(r.Name))
		}
		return do(ctx, r)
	})
}

// statePassword is the password of a home, if it has one or is to get one.
func (a *App) statePassword(ctx context.Context, h Home, f *NodeFlags) ([]byte, error) {
	if f.state != "" {
		return f.stateSource.check([]byte(f.state))
	}
	locked, err := node.HasPassword(h.Dir)
	if err != nil {
		return nil, err
	}
	if !locked && f.stateSource.File == "" && os.Getenv(f.stateSource.Env) == "" {
		return nil, nil
	}
	return a.Password(ctx, f.stateSource)
}
