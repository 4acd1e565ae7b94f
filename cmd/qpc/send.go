package main

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"quicnprotochat/cmd/qpc/chat"
	"quicnprotochat/cmd/qpc/cli"
	"quicnprotochat/cmd/qpc/words"
	"quicnprotochat/node/localapi"
)

// sendCommand sends one message.
func (a *app) sendCommand(c *chat.Commands) *cobra.Command {
	var wait string
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:               "send CONTACT TEXT",
		ValidArgsFunction: c.CompleteContact,
		Short:             "Send a message; TEXT - reads it from stdin.",
		Long: `Send a message of 1 to 65,535 bytes of UTF-8; TEXT - reads it from stdin.

Without --wait it returns when the message is on this disk; delivery goes on.
--wait stored waits until it is durable anywhere but here, direct until the
person's own node has it, delivered until its receipt is back.`,
		Args: cli.Exactly(2),
	}
	cmd.Flags().StringVar(&wait, "wait", "", "wait until the message is in this `STATE`: stored, direct or delivered")
	cli.Choices(cmd, "wait", string(localapi.Stored), string(localapi.Direct), string(localapi.Delivered))
	cmd.Flags().DurationVar(&timeout, "timeout", 10*time.Second, "with --wait: wait that long, then exit with 5")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		want := localapi.State(wait)
		switch {
		case cmd.Flags().Changed("wait") && !want.Awaitable():
			return cli.Misused(cmd, "--wait takes stored, direct or delivered")
		case timeout < 0:
			return cli.Misused(cmd, "--timeout is negative")
		}
		return a.send(cmd, args[0], args[1], want, timeout)
	}
	return cmd
}

func (a *app) send(cmd *cobra.Command, contact, arg string, want localapi.State, timeout time.Duration) error {
	if contact == "" {
		return chat.Nobody()
	}
	text, err := a.text(arg)
	if err != nil {
		return err
	}
	c, h, err := a.Client(cmd)
	if err != nil {
		return err
	}
	defer c.Close()
	d, err := c.Send(cmd.Context(), contact, text, want, timeout)
	if err != nil {
		return h.Explain(err)
	}
	if err := a.Print(d, words.Delivery(d)); err != nil {
		return err
	}
	if want != "" && !d.State.Reaches(want) {
		return notReached(d, want)
	}
	return nil
}

// text returns the text to send: the argument, or stdin for "-".
func (a *app) text(arg string) (string, error) {
	if arg == "-" {
		b, err := io.ReadAll(io.LimitReader(a.Stdin, localapi.MaxText+1))
		if err != nil {
			return "", fmt.Errorf("read stdin: %w", err)
		}
		if len(b) > localapi.MaxText {
			return "", cli.UsageError(fmt.Sprintf("the text on stdin is longer than %d bytes", localapi.MaxText), "send it in parts")
		}
		arg = string(b)
	}
	return arg, localapi.CheckText(arg)
}

func notReached(d localapi.Delivery, want localapi.State) error {
	hint := "delivery goes on; qpc why " + d.ID + " says what was tried"
	if d.State == localapi.Failed {
		hint = "it will not arrive: " + d.Why
	}
	return &localapi.Error{
		Message: fmt.Sprintf("the message is %s, not %s", d.State, want),
		Hint:    hint,
		Exit:    localapi.ExitNotReached,
	}
}
