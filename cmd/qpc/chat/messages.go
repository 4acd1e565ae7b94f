package chat

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"quicnprotochat/cmd/qpc/cli"
	"quicnprotochat/node/localapi"
)

// Send is the command that sends one message.
func (a *Commands) Send() *cobra.Command {
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
		Args: cli.Exactly(2),
	}
	cmd.Flags().StringVar(&wait, "wait", "", "wait until the message is in this `STATE`: stored, direct or delivered")
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

func (a *Commands) send(cmd *cobra.Command, contact, arg string, want localapi.State, timeout time.Duration) error {
	if contact == "" {
		return nobody()
	}
	text, err := a.text(arg)
	if err != nil {
		return err
	}
	c, h, err := a.Client(cmd)
	if err != nil {
		return err
	}
	d, err := c.Send(cmd.Context(), contact, text, want, timeout)
	if err != nil {
		return h.Explain(err)
	}
	if err := a.Print(d, deliveryText(d)); err != nil {
		return err
	}
	if want != "" && !d.State.Reaches(want) {
		return notReached(d, want)
	}
	return nil
}

// nobody is the error of an empty name.
func nobody() error {
	return &localapi.Error{Message: "no contact is called \"\"", Hint: "qpc contacts lists them", Exit: localapi.ExitContact}
}

// text returns the text to send: the argument, or stdin for "-".
func (a *Commands) text(arg string) (string, error) {
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

func deliveryText(d localapi.Delivery) string {
	return fmt.Sprintf("%s, path %s: %s\nid %s", d.State, d.Path, cli.Defuse(d.Why), d.ID)
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

// history reads a conversation: all of it at the command line, and in the chat its
// newest messages.
func (c *chat) history(ctx context.Context, r request) error {
	limit := int(r.limit)
	switch {
	case len(r.args) > 0:
		n, err := strconv.ParseUint(r.args[0], 10, 31)
		if err != nil {
			return cli.UsageError("/history takes a number", "/history 20")
		}
		limit = int(n)
	case c.repl:
		limit = 20
	}
	self, err := c.client.Identity(ctx)
	if err != nil {
		return err
	}
	var authors map[string]string
	last := ""
	err = c.client.History(ctx, r.with, limit, r.after, func(m localapi.Message) error {
		if authors == nil && m.Group != "" {
			if authors, err = c.authors(ctx, m.Group); err != nil {
				return err
			}
		}
		last = m.ID
		return c.Print(m, c.number(m.ID, place(m, self.Identity))+messageText(m, self.Identity, authors))
	})
	if err != nil || last == "" {
		return err
	}
	// A command may be that of a program: it tells nobody what was read.
	return c.client.MarkRead(ctx, r.with, last, c.terminal != nil)
}

// authors are the names of those who may have written to a group, by identity.
func (c *chat) authors(ctx context.Context, group string) (map[string]string, error) {
	names := map[string]string{}
	info, err := c.client.Group(ctx, group)
	if err != nil {
		return nil, err
	}
	for _, m := range info.Members {
		names[m.Identity] = m.Name
	}
	list, err := c.client.Contacts(ctx)
	for _, contact := range list {
		names[contact.Identity] = contact.Name
	}
	return names, err
}

// messageText is one line of a conversation for the person whose identity is
// self; in a group it names the author.
func messageText(m localapi.Message, self string, authors map[string]string) string {
	if m.From == self {
		return fmt.Sprintf("%s  > %s  (%s)", cli.Shown(m.Time), body(m), m.State)
	}
	if m.Group != "" {
		return fmt.Sprintf("%s  < %s: %s", cli.Shown(m.Time), cli.Defuse(cmp.Or(authors[m.From], m.From)), body(m))
	}
	return fmt.Sprintf("%s  < %s", cli.Shown(m.Time), body(m))
}
