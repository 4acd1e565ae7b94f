package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

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
	cmd.AddCommand(a.relayRunCommand(), a.relayForgetCommand())
	return cmd
}

func (a *app) relayRunCommand() *cobra.Command {
	var listen []string
	var announce string
	var log logFlag
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Host a relay until it is stopped.",
		Long: `Host a relay until it is stopped (Ctrl-C, or SIGTERM). It keeps sealed messages
for people who are away; it cannot read them.`,
		Args: exactly(0),
	}
	cmd.Flags().StringArrayVar(&listen, "listen", nil, "listen on this `ADDRESS`; with udp/0 the home remembers the port; repeatable (default UDP port 7000 of all addresses)")
	cmd.Flags().StringVar(&announce, "announce", "", "the `HOST` name or IP address that people reach it by")
	log.add(cmd, "info")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		h, err := a.home(cmd)
		if err != nil {
			return err
		}
		logger, err := a.logger(cmd, log)
		if err != nil {
			return err
		}
		addrs, err := relay.ParseListen(listen)
		if err != nil {
			return relayError(h, err)
		}
		r, err := relay.New(relay.Config{Dir: h.dir, Listen: addrs, Announce: announce, Log: logger})
		if err != nil {
			return relayError(h, err)
		}
		ready := make(chan *relay.Relay, 1)
		ready <- r
		return relayError(h, while(cmd.Context(), r.Run, ready, a.relayIsUp))
	}
	return cmd
}

// relayIsUp says where the relay is and waits until it is told to end.
func (a *app) relayIsUp(ctx context.Context, r *relay.Relay) error {
	url := r.URL()
	event := struct {
		Event    string   `json:"event"`
		Identity string   `json:"identity"`
		URL      string   `json:"url"`
		Addrs    []string `json:"addrs"`
	}{"ready", url.Key.String(), url.String(), append([]string{}, r.Addrs()...)}
	text := fmt.Sprintf("%s\nlistening on:\n  %s\nPeople use it with: qpc up --relay %s\nReady. Ctrl-C ends it.",
		url, strings.Join(event.Addrs, "\n  "), url)
	if err := a.print(event, text); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// relayError puts what keeps a relay from running into words.
func relayError(h home, err error) error {
	if err == nil {
		return nil
	}
	e := &localapi.Error{Message: err.Error(), Exit: localapi.ExitHome}
	switch {
	case errors.Is(err, relay.ErrConfig):
		e.Exit, e.Hint = localapi.ExitUsage, "see: qpc help relay run"
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
