package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"time"

	"github.com/spf13/cobra"

	"quicnprotochat/cmd/qpc/cli"
	"quicnprotochat/node/localapi"
)

// hookTime is how long a hook may take; then it is ended.
const hookTime = 30 * time.Second

// hookFlags say what is done for each message that comes in.
type hookFlags struct {
	hook, notify string
}

func (f *hookFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.hook, "hook", "", "run this `COMMAND` with sh for each message that comes in and is not muted; its event is one line of JSON on stdin")
	cmd.Flags().StringVar(&f.notify, "notify", "auto", "show on the desktop from whom a message came, and who asks to write, `on|off`; auto is on where notify-send and a session are")
	cli.Choices(cmd, "notify", "on", "off", "auto")
}

func (f *hookFlags) check(cmd *cobra.Command) error {
	switch {
	case f.notify != "auto" && f.notify != "on" && f.notify != "off":
		return cli.Misused(cmd, "--notify is on, off or auto")
	case cmd.Flags().Changed("hook") && f.hook == "":
		return cli.Misused(cmd, "--hook is empty")
	}
	return nil
}

// notifies reports whether notify-send is to be called.
func (f *hookFlags) notifies() bool {
	if f.notify != "auto" {
		return f.notify == "on"
	}
	_, err := exec.LookPath("notify-send")
	return err == nil && os.Getenv("DBUS_SESSION_BUS_ADDRESS") != ""
}

// watch calls the hooks for messages, one after the other, until ctx ends. Who is
// slow gets the events later: they are kept.
func (a *app) watch(ctx context.Context, h cli.Home, f hookFlags) {
	if f.hook == "" && !f.notifies() {
		return
	}
	client := localapi.NewClient(h.Socket)
	defer client.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	events, lost := cli.Listen(ctx, client, cli.Absence{})
	for {
		select {
		case e := <-events:
			text := note(e)
			if f.notifies() && text != "" {
				a.call(ctx, nil, "notify-send", "-a", "qpc", "--", text)
			}
			if line, err := cli.JSONLine(e); f.hook != "" && e.Event == localapi.EventMessage && !e.Muted && err == nil {
				a.call(ctx, line, "sh", "-c", f.hook)
			}
		case <-lost:
			return
		case <-ctx.Done():
			return
		}
	}
}

// note is what the desktop shows of an event: from whom a message came, and who asks to
// write; "" for nothing.
func note(e localapi.Event) string {
	switch {
	case e.Contact == nil || e.Muted:
		return ""
	case e.Event == localapi.EventMessage:
		return "Message from " + cli.Defuse(e.Contact.Name)
	case e.Event == localapi.EventRequest && e.Message == nil:
		return cli.Defuse(e.Contact.Name) + " asks to write to you"
	}
	return ""
}

// call runs a program with that input. What it prints is not wanted; that it failed is
// said.
func (a *app) call(ctx context.Context, input []byte, program string, args ...string) {
	ctx, cancel := context.WithTimeout(ctx, hookTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Stdin = bytes.NewReader(input)
	cmd.WaitDelay = time.Second
	if err := cmd.Run(); err != nil {
		fmt.Fprintf(a.Stderr, "hook: %s: %v\n", program, err)
	}
}
