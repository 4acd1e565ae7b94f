package chat

import (
	"context"

	"github.com/spf13/cobra"

	"quicnprotochat/cmd/qpc/cli"
	"quicnprotochat/cmd/qpc/words"
	"quicnprotochat/node/localapi"
)

// Group opens the chat in a group, and has the commands about groups below it.
func (a *Commands) Group() *cobra.Command {
	v, _ := verbOf("/group")
	cmd := a.commandOf(v, v.command)
	cmd.Short = "Conversations of any number; the name of one opens the chat there."
	cmd.Long = `Conversations of any number. The name of a group alone opens the chat there, as qpc
chat does. GROUP is an id, an exact name, or a unique beginning of either; send and
history take it where they take a CONTACT.

Who makes a group is its first admin. Admins invite, remove, rename, and name
further admins, each junior to those before. Any two of them may do so at once, or
while they do not reach each other: all members come to the same end.

A group is post-quantum when the programs of all who are invited as it begins are: when
the first of them come in it is fixed, and group info shows it. Somebody whose program
lacks the suite of a group cannot join it later: start a new group with them.`
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) == 1 {
			return nil
		}
		return cli.NeedsCommand(cmd, args)
	}
	return cmd
}

// createGroup makes a group and invites people; in the chat it begins to write to it.
func (c *chat) createGroup(ctx context.Context, r request) error {
	g, err := c.client.CreateGroup(ctx, r.args[0], r.args[1:])
	if err != nil {
		return err
	}
	if err := c.Print(g, words.Group(g)); err != nil || !c.repl {
		return err
	}
	return c.openGroup(ctx, g)
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
		return c.Print(g, words.Group(g))
	}
}

// groups lists the groups.
func (c *chat) groups(ctx context.Context, _ request) error {
	list, err := c.client.Groups(ctx)
	if err != nil {
		return err
	}
	for _, g := range archivedLast(list, func(g localapi.Group) bool { return g.Archived }) {
		if err := c.Print(g, words.Group(g)+c.unreadNote(g.ID)); err != nil {
			return err
		}
	}
	if len(list) == 0 {
		c.remark("No groups yet: qpc group create NAME [CONTACT...] makes one.")
	}
	return nil
}

// members shows who is in a group.
func (c *chat) members(ctx context.Context, r request) error {
	info, err := c.client.Group(ctx, r.with)
	if err != nil {
		return err
	}
	return c.Print(info, words.GroupInfo(info))
}
