package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"quicnprotochat/node/localapi"
)

func (a *app) inviteCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "invite",
		Short: "Make a contact link to give to people.",
		Long: `Make a contact link to give to people: it holds your identity, name, present
addresses and relays, signed. Any number of people may use it. It is good for
30 days: after that nobody new gets in with it, and who did before stays.`,
		Args: exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, h, err := a.client(cmd)
			if err != nil {
				return err
			}
			inv, err := c.Invite(cmd.Context())
			if err != nil {
				return h.explain(err)
			}
			if err := a.print(inv, inv.Link); err != nil {
				return err
			}
			a.note("Give it to people; they run: qpc contact add LINK\nIt can be used until %s.", shown(inv.Expires))
			return nil
		},
	}
}

func (a *app) contactCommand() *cobra.Command {
	contact := &cobra.Command{
		Use:   "contact",
		Short: "Add people.",
		Args:  cobra.ArbitraryArgs,
		RunE:  group,
	}
	var name string
	add := &cobra.Command{
		Use:   "add LINK|NAME@RELAY",
		Short: "Take somebody's link, or look up a user name.",
		Long: `Take somebody's link. One side is enough: your node introduces itself, and then
the other person can write to you too.

NAME@RELAY asks a relay who has that user name; RELAY is its URL, or the host of one
that this node uses. The answer is that relay's claim: make sure that the identity
is the right one. The other person must add you as well before messages are shown.`,
		Args: exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("name") && strings.TrimSpace(name) == "" {
				return misused(cmd, "--name is empty")
			}
			c, h, err := a.client(cmd)
			if err != nil {
				return err
			}
			added, err := c.AddContact(cmd.Context(), args[0], name)
			if err != nil {
				return h.explain(err)
			}
			return a.print(added, addedText(added))
		},
	}
	add.Flags().StringVar(&name, "name", "", "call the person `NAME` (default the name in the link)")
	contact.AddCommand(add)
	return contact
}

func addedText(added localapi.AddedContact) string {
	if added.New {
		return fmt.Sprintf("Added %s  %s", defuse(added.Name), added.Identity)
	}
	return fmt.Sprintf("%s was a contact already  %s", defuse(added.Name), added.Identity)
}

func (a *app) contactsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "contacts",
		Short: "List the people this node knows.",
		Args:  exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, h, err := a.client(cmd)
			if err != nil {
				return err
			}
			list, err := c.Contacts(cmd.Context())
			if err != nil {
				return h.explain(err)
			}
			for _, contact := range list {
				if err := a.print(contact, contactText(contact)); err != nil {
					return err
				}
			}
			if len(list) == 0 {
				a.note("No contacts yet: give your link (qpc invite), or take one (qpc contact add LINK).")
			}
			return nil
		},
	}
}

func contactText(c localapi.Contact) string {
	text := fmt.Sprintf("%-20s %s  by %s", defuse(c.Name), c.Identity, c.Via)
	if c.Claim != "" {
		text += ", " + defuse(c.Claim) + " as that relay claims"
	}
	if c.Verified {
		text += ", verified"
	}
	return text
}
