package chat

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"quicnprotochat/cmd/qpc/cli"
	"quicnprotochat/node/localapi"
)

// Group has the commands about groups below it.
func (a *Commands) Group() *cobra.Command {
	return &cobra.Command{
		Use:   "group",
		Short: "Conversations of any number.",
		Long: `Conversations of any number. GROUP is an id, an exact name, or a unique beginning
of either; send and history take it where they take a CONTACT.

Who makes a group is its first admin. Admins invite, remove, rename, and name
further admins, each junior to those before. Any two of them may do so at once, or
while they do not reach each other: all members come to the same end.`,
		Args: cobra.ArbitraryArgs,
		RunE: cli.NeedsCommand,
	}
}

// createGroup makes a group and invites people; in the chat it begins to write to it.
func (c *chat) createGroup(ctx context.Context, r request) error {
	g, err := c.client.CreateGroup(ctx, r.args[0], r.args[1:])
	if err != nil {
		return err
	}
	if err := c.Print(g, groupText(g)); err != nil || !c.repl {
		return err
	}
	return c.openGroup(g)
}

// change is a verb that changes a group.
func change(action localapi.GroupAction) func(c *chat, ctx context.Context, r request) error {
	return func(c *chat, ctx context.Context, r request) error {
		change := localapi.GroupChange{Group: r.with, Action: action}
		if action == localapi.GroupRename {
			change.Name = r.args[0]
		} else {
			change.Contacts = r.args
		}
		g, err := c.client.ChangeGroup(ctx, change)
		if err != nil {
			return err
		}
		if c.repl && c.with != nil && c.with.id == g.ID {
			c.with.name = g.Name
		}
		return c.Print(g, groupText(g))
	}
}

func groupText(g localapi.Group) string {
	text := fmt.Sprintf("%-20s %s  %d members", cli.Defuse(g.Name), g.ID, g.Members)
	if g.Status != "in" {
		text += ", " + g.Status
	}
	return text
}

// groups lists the groups.
func (c *chat) groups(ctx context.Context, _ request) error {
	list, err := c.client.Groups(ctx)
	if err != nil {
		return err
	}
	for _, g := range list {
		if err := c.Print(g, groupText(g)+c.unreadNote(g.ID)); err != nil {
			return err
		}
	}
	if len(list) == 0 && !c.repl {
		c.Note("No groups yet: qpc group create NAME [CONTACT...] makes one.")
	}
	return nil
}

// members shows who is in a group.
func (c *chat) members(ctx context.Context, r request) error {
	info, err := c.client.Group(ctx, r.with)
	if err != nil {
		return err
	}
	return c.Print(info, groupInfoText(info))
}

func groupInfoText(g localapi.GroupInfo) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s\n", cli.Defuse(g.Name), g.ID)
	switch {
	case g.RemovedBy != "":
		fmt.Fprintf(&b, "removed by %s\n", g.RemovedBy)
	case g.Status != "in":
		fmt.Fprintf(&b, "%s\n", g.Status)
	}
	for _, m := range g.Members {
		fmt.Fprintf(&b, "%-7s %-20s %s\n", m.Role, cli.Defuse(m.Name), m.Identity)
	}
	for _, i := range g.Invited {
		fmt.Fprintf(&b, "invited %-20s %s  since %s: %s\n", cli.Defuse(i.Name), i.Identity, cli.Shown(i.Since), i.Waits)
	}
	fmt.Fprintf(&b, "epoch %d, suite %s\nauthenticator %s", g.Epoch, g.Suite, g.Authenticator)
	return b.String()
}
