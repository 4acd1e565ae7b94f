package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"quicnprotochat/node/localapi"
)

func (a *app) groupCommand() *cobra.Command {
	g := &cobra.Command{
		Use:   "group",
		Short: "Conversations of any number.",
		Long: `Conversations of any number. GROUP is an id, an exact name, or a unique beginning
of either; send and history take it where they take a CONTACT.

Who makes a group is its first admin. Admins invite, remove, rename, and name
further admins, each junior to those before. Any two of them may do so at once, or
while they do not reach each other: all members come to the same end.`,
		Args: cobra.ArbitraryArgs,
		RunE: group,
	}
	g.AddCommand(
		a.groupCreateCommand(), a.groupListCommand(), a.groupInfoCommand(),
		a.groupChangeCommand("invite GROUP CONTACT...", "Invite people, each as soon as its keys can be had.", localapi.GroupInvite),
		a.groupChangeCommand("remove GROUP CONTACT...", "Remove people.", localapi.GroupRemove),
		a.groupChangeCommand("promote GROUP CONTACT...", "Make members admins, junior to those there are.", localapi.GroupPromote),
		a.groupChangeCommand("demote GROUP CONTACT...", "Take that back of admins junior to yourself.", localapi.GroupDemote),
		a.groupChangeCommand("rename GROUP NAME", "Give a group another name.", localapi.GroupRename),
		a.groupChangeCommand("update GROUP", "Give this member of a group fresh keys.", localapi.GroupUpdate),
		a.groupChangeCommand("leave GROUP", "Leave a group.", localapi.GroupLeave),
	)
	return g
}

func (a *app) groupCreateCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "create NAME [CONTACT...]",
		Short: "Make a group and invite people.",
		Args:  between(1, 1+100),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.groupCall(cmd, func(ctx context.Context, c *localapi.Client) (localapi.Group, error) {
				return c.CreateGroup(ctx, args[0], args[1:])
			})
		},
	}
}

// groupChangeCommand is a command that changes a group.
func (a *app) groupChangeCommand(use, short string, action localapi.GroupAction) *cobra.Command {
	least, most := 2, 101
	switch action {
	case localapi.GroupRename:
		most = 2
	case localapi.GroupUpdate, localapi.GroupLeave:
		least, most = 1, 1
	}
	return &cobra.Command{
		Use:   use,
		Short: short,
		Args:  between(least, most),
		RunE: func(cmd *cobra.Command, args []string) error {
			change := localapi.GroupChange{Group: args[0], Action: action}
			if action == localapi.GroupRename {
				change.Name = args[1]
			} else {
				change.Contacts = args[1:]
			}
			return a.groupCall(cmd, func(ctx context.Context, c *localapi.Client) (localapi.Group, error) {
				return c.ChangeGroup(ctx, change)
			})
		},
	}
}

// groupCall makes a call about a group and prints the group.
func (a *app) groupCall(cmd *cobra.Command, call func(ctx context.Context, c *localapi.Client) (localapi.Group, error)) error {
	c, h, err := a.client(cmd)
	if err != nil {
		return err
	}
	g, err := call(cmd.Context(), c)
	if err != nil {
		return h.explain(err)
	}
	return a.print(g, groupText(g))
}

func groupText(g localapi.Group) string {
	text := fmt.Sprintf("%-20s %s  %d members", defuse(g.Name), g.ID, g.Members)
	if g.Status != "in" {
		text += ", " + g.Status
	}
	return text
}

func (a *app) groupListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the groups of this node.",
		Args:  exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, h, err := a.client(cmd)
			if err != nil {
				return err
			}
			list, err := c.Groups(cmd.Context())
			if err != nil {
				return h.explain(err)
			}
			for _, g := range list {
				if err := a.print(g, groupText(g)); err != nil {
					return err
				}
			}
			if len(list) == 0 {
				a.note("No groups yet: qpc group create NAME [CONTACT...] makes one.")
			}
			return nil
		},
	}
}

func (a *app) groupInfoCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "info GROUP",
		Short: "Show the members, the admins in their order, and the state of the keys.",
		Args:  exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, h, err := a.client(cmd)
			if err != nil {
				return err
			}
			info, err := c.Group(cmd.Context(), args[0])
			if err != nil {
				return h.explain(err)
			}
			return a.print(info, groupInfoText(info))
		},
	}
}

func groupInfoText(g localapi.GroupInfo) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s\n", defuse(g.Name), g.ID)
	switch {
	case g.RemovedBy != "":
		fmt.Fprintf(&b, "removed by %s\n", g.RemovedBy)
	case g.Status != "in":
		fmt.Fprintf(&b, "%s\n", g.Status)
	}
	for _, m := range g.Members {
		fmt.Fprintf(&b, "%-7s %-20s %s\n", m.Role, defuse(m.Name), m.Identity)
	}
	for _, i := range g.Invited {
		fmt.Fprintf(&b, "invited %-20s %s  since %s: %s\n", defuse(i.Name), i.Identity, shown(i.Since), i.Waits)
	}
	fmt.Fprintf(&b, "epoch %d, suite %s\nauthenticator %s", g.Epoch, g.Suite, g.Authenticator)
	return b.String()
}
