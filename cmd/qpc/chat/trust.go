package chat

import (
	"cmp"
	"context"
	"fmt"
	"math"

	"github.com/spf13/cobra"

	"quicnprotochat/cmd/qpc/cli"
	"quicnprotochat/cmd/qpc/terminal"
	"quicnprotochat/cmd/qpc/words"
	"quicnprotochat/node/localapi"
)

// verify shows the safety number of a contact, or takes what the user found.
func (c *chat) verify(ctx context.Context, r request) error {
	if len(r.args) == 0 {
		return c.showSafety(ctx, r)
	}
	decision := localapi.TrustRequest{Contact: r.with, Action: localapi.TrustVerify}
	switch r.args[0] {
	case "yes":
	case "no":
		decision.Action = localapi.TrustUnverify
	default:
		decision.Number = r.args[0]
	}
	contact, err := c.client.Decide(ctx, decision)
	if err != nil {
		return err
	}
	return c.Print(contact, words.Contact(contact))
}

func (c *chat) showSafety(ctx context.Context, r request) error {
	s, err := c.client.Safety(ctx, r.with)
	if err != nil {
		return err
	}
	half := len(s.Number) / 2
	text := fmt.Sprintf("Safety number of you and %s:\n  %s\n  %s", cli.Defuse(s.Name), s.Number[:half], s.Number[half+1:])
	if err := c.Print(s, text); err != nil {
		return err
	}
	switch {
	case c.repl:
		c.drawLink(s.Code, c.columns())
	case r.qr:
		c.drawLink(s.Code, cmp.Or(terminal.Columns(c.Stderr), math.MaxInt))
	}
	if s.Verified {
		c.Note("You have verified %s.", cli.Defuse(s.Name))
		return nil
	}
	how := "qpc verify CONTACT yes"
	if c.repl {
		how = "/verify yes"
	}
	c.Note("Compare it with what they see, by voice or side by side; %s keeps that it is the same.", how)
	return nil
}

// decide is a verb that decides something about the contact that it is about.
func decide(action localapi.TrustAction) func(c *chat, ctx context.Context, r request) error {
	return func(c *chat, ctx context.Context, r request) error {
		contact, err := c.client.Decide(ctx, localapi.TrustRequest{Contact: r.with, Action: action})
		if err != nil {
			return err
		}
		return c.Print(contact, words.Contact(contact))
	}
}

// trustVerbs are the verbs about what is thought of people.
func trustVerbs() []verb {
	return []verb{
		{
			slash: "verify", typed: "[yes|no|NUMBER]", command: "verify", args: "CONTACT [yes|no|NUMBER]", about: aboutAnybody, do: (*chat).verify, flags: qrFlag,
			short: "Show the safety number of you and a contact, or keep that it is right.",
			long: `Show the safety number of you and a contact, which is the same on both sides: compare
it by voice or side by side. yes keeps that it is the same, and no takes that back. A
NUMBER, as they read it out or as their QR code holds it, is compared here: another
one than yours is exit 6.`,
		},
		{
			slash: "block", command: "block", args: "CONTACT", about: aboutAnybody, do: decide(localapi.TrustBlock),
			short: "Take nothing of a contact any more, and send nothing there.",
			long: `Take nothing of a contact any more, and send nothing there. All your links are
cancelled, and your other contacts get new passes and learn your addresses anew. What
it says in groups is not shown either. It is not told.`,
		},
		{slash: "unblock", typed: "[CONTACT]", command: "unblock", args: "CONTACT", about: aboutNamed, do: decide(localapi.TrustUnblock), short: "Take from a contact again what comes."},
		{
			slash: "requests", command: "requests", do: (*chat).requests, short: "List those who ask to write to you.",
			long: `List those who ask to write to you: who took your link is a contact, anybody else asks.
At most 50 do so at a time, with one short text each, and learn nothing, not even that
it arrived, before you accept them.`,
		},
		{
			slash: "accept", typed: "CONTACT", command: "accept", args: "CONTACT", about: aboutNamed, do: decide(localapi.TrustAccept),
			short: "Let somebody write to you who asks; or take the identity that a relay names now.",
			long: `Let somebody write to you who asks (qpc requests). Or take the new identity that a relay names for the user name of a contact. Nothing is
sent there until you choose. It may be a new machine of the same person, or somebody
else: ask them by another way. The old one stays in your list, as CONTACT-old.`,
		},
		{
			slash: "refuse", typed: "CONTACT", command: "refuse", args: "CONTACT", about: aboutNamed, do: decide(localapi.TrustRefuse),
			short: "Say no to somebody who asks; or stay with the identity of a contact.",
			long: `Say no to somebody who asks: what they wrote is erased, and they are not heard for a
month. Or stay with the identity of a contact whose relay names another one now.`,
		},
	}
}

func qrFlag(cmd *cobra.Command, r *request) {
	cmd.Flags().BoolVar(&r.qr, "qr", false, "draw it as a QR code as well, on stderr")
}

// requests lists those who ask to be contacts.
func (c *chat) requests(ctx context.Context, _ request) error {
	list, err := c.client.Requests(ctx)
	if err != nil {
		return err
	}
	for _, r := range list {
		if err := c.Print(r, words.Request(r)); err != nil {
			return err
		}
	}
	if len(list) == 0 {
		c.Note("Nobody asks to write to you.")
	}
	return nil
}
