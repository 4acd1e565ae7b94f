package main

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"quicnprotochat/node/localapi"
)

func (a *app) sendCommand() *cobra.Command {
	var wait string
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:               "send CONTACT TEXT",
		ValidArgsFunction: a.completeContact,
		Short:             "Send a message; TEXT - reads it from stdin.",
		Long: `Send a message of 1 to 65,535 bytes of UTF-8; TEXT - reads it from stdin.

Without --wait it returns when the message is on this disk; delivery goes on.
--wait stored waits until it is durable anywhere but here, direct until the
person's own node has it, delivered until its receipt is back.`,
		Args: exactly(2),
	}
	cmd.Flags().StringVar(&wait, "wait", "", "wait until the message is in this `STATE`: stored, direct or delivered")
	cmd.Flags().DurationVar(&timeout, "timeout", 10*time.Second, "with --wait: wait that long, then exit with 5")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		want := localapi.State(wait)
		switch {
		case cmd.Flags().Changed("wait") && !want.Awaitable():
			return misused(cmd, "--wait takes stored, direct or delivered")
		case timeout < 0:
			return misused(cmd, "--timeout is negative")
		}
		return a.send(cmd, args[0], args[1], want, timeout)
	}
	return cmd
}

func (a *app) send(cmd *cobra.Command, contact, arg string, want localapi.State, timeout time.Duration) error {
	text, err := a.text(arg)
	if err != nil {
		return err
	}
	c, h, err := a.client(cmd)
	if err != nil {
		return err
	}
	d, err := c.Send(cmd.Context(), contact, text, want, timeout)
	if err != nil {
		return h.explain(err)
	}
	if err := a.print(d, deliveryText(d)); err != nil {
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
		b, err := io.ReadAll(io.LimitReader(a.stdin, localapi.MaxText+1))
		if err != nil {
			return "", fmt.Errorf("read stdin: %w", err)
		}
		if len(b) > localapi.MaxText {
			return "", usageError(fmt.Sprintf("the text on stdin is longer than %d bytes", localapi.MaxText), "send it in parts")
		}
		arg = string(b)
	}
	return arg, localapi.CheckText(arg)
}

func deliveryText(d localapi.Delivery) string {
	return fmt.Sprintf("%s, path %s: %s\nid %s", d.State, d.Path, defuse(d.Why), d.ID)
}

func notReached(d localapi.Delivery, want localapi.State) error {
	hint := "delivery goes on; see: qpc status, qpc history"
	if d.State == localapi.Failed {
		hint = "it will not arrive: " + d.Why
	}
	return &localapi.Error{
		Message: fmt.Sprintf("the message is %s, not %s", d.State, want),
		Hint:    hint,
		Exit:    localapi.ExitNotReached,
	}
}

func (a *app) historyCommand() *cobra.Command {
	var limit uint32
	var after string
	cmd := &cobra.Command{
		Use:               "history CONTACT",
		ValidArgsFunction: a.completeContact,
		Short:             "Read a conversation, oldest first.",
		Args:              exactly(1),
	}
	cmd.Flags().Uint32Var(&limit, "limit", 0, "at most the newest `N`, or with --after the next N (default all)")
	cmd.Flags().StringVar(&after, "after", "", "only what stands behind the message of that `ID`")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, h, err := a.client(cmd)
		if err != nil {
			return err
		}
		self, err := c.Identity(cmd.Context())
		if err != nil {
			return h.explain(err)
		}
		err = c.History(cmd.Context(), args[0], int(limit), after, func(m localapi.Message) error {
			return a.print(m, messageText(m, self.Identity))
		})
		return h.explain(err)
	}
	return cmd
}

// messageText is one line of a conversation for the person whose identity is
// self.
func messageText(m localapi.Message, self string) string {
	if m.From == self {
		return fmt.Sprintf("%s  > %s  (%s)", shown(m.Time), defuse(m.Text), m.State)
	}
	return fmt.Sprintf("%s  < %s", shown(m.Time), defuse(m.Text))
}
