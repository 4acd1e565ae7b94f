package chat

import (
	"cmp"
	"context"
	"math"
	"slices"

	"github.com/spf13/cobra"

	"quicnprotochat/cmd/qpc/cli"
	"quicnprotochat/cmd/qpc/terminal"
	"quicnprotochat/cmd/qpc/words"
	"quicnprotochat/node/localapi"
)

// Contact has the commands about people below it.
func (a *Commands) Contact() *cobra.Command {
	return &cobra.Command{
		Use:   "contact",
		Short: "Add people.",
		Args:  cobra.ArbitraryArgs,
		RunE:  cli.NeedsCommand,
	}
}

// invite makes a contact link, or invites people into the group that is written to.
func (c *chat) invite(ctx context.Context, r request) error {
	if len(r.args) > 0 {
		if c.with == nil || !c.with.group {
			return cli.UsageError("invite them into which group?", "/group GROUP picks one, /create NAME makes one; /invite alone makes a link for people")
		}
		r.with = c.with.id
		return change(localapi.GroupInvite)(c, ctx, r)
	}
	inv, err := c.client.Invite(ctx)
	if err != nil {
		return err
	}
	if err := c.Print(inv, inv.Link); err != nil {
		return err
	}
	if c.repl {
		c.drawLink(inv.Link, c.columns())
		c.Note("Give it to people; they type: /join LINK, or run: qpc chat LINK\nIt can be used until %s.", cli.Shown(inv.Expires))
		return nil
	}
	if r.qr {
		c.drawLink(inv.Link, cmp.Or(terminal.Columns(c.Stderr), math.MaxInt))
	}
	c.Note("Give it to people; they run: qpc contact add LINK\nIt can be used until %s.", cli.Shown(inv.Expires))
	return nil
}

// drawLink draws a link as a QR code, or says why not; columns is how much room there
// is, 0 meaning that nobody looks.
func (c *chat) drawLink(link string, columns int) {
	if columns == 0 || c.JSON {
		return
	}
	c.Note("%s", terminal.QR(link, columns))
}

// columns is how wide the terminal of the chat is, 0 without one.
func (c *chat) columns() int {
	if c.terminal == nil {
		return 0
	}
	return c.terminal.Columns()
}

// take adds a contact, and in the chat begins to write to it.
func (c *chat) take(ctx context.Context, r request) error {
	name := r.name
	if len(r.args) > 1 {
		name = r.args[1]
	}
	added, err := c.client.AddContact(ctx, r.args[0], name)
	if err != nil {
		return err
	}
	if err := c.Print(added, words.Added(added)); err != nil || !c.repl {
		return err
	}
	contact, err := c.client.Contact(ctx, added.Identity)
	if err != nil {
		return err
	}
	return c.open(ctx, contact)
}

// list shows the people and the groups.
func (c *chat) list(ctx context.Context, r request) error {
	if err := c.contacts(ctx, r); err != nil {
		return err
	}
	return c.groups(ctx, r)
}

// contacts shows the people.
func (c *chat) contacts(ctx context.Context, _ request) error {
	list, err := c.client.Contacts(ctx)
	if err != nil {
		return err
	}
	putAway := func(a localapi.Contact) bool { return a.Archived }
	for _, contact := range archivedLast(list, putAway) {
		if err := c.Print(contact, words.Contact(contact)+c.unreadNote(contact.Identity)); err != nil {
			return err
		}
	}
	if len(list) == 0 {
		c.remark("No contacts yet: give your link (qpc invite), or take one (qpc contact add LINK).")
	}
	return nil
}

// archivedLast returns what is put away behind all else.
func archivedLast[T any](list []T, archived func(T) bool) []T {
	var last []T
	list = slices.DeleteFunc(list, func(v T) bool {
		if archived(v) {
			last = append(last, v)
			return true
		}
		return false
	})
	return append(list, last...)
}

// nearby shows whom the node hears on the LAN.
func (c *chat) nearby(ctx context.Context, _ request) error {
	list, err := c.client.Nearby(ctx)
	if err != nil {
		return err
	}
	for _, n := range list {
		if err := c.Print(n, words.Nearby(n)); err != nil {
			return err
		}
	}
	if len(list) == 0 {
		c.remark("Nobody is heard on the LAN. A link works anywhere: qpc invite makes yours.")
	}
	c.sayHowToAsk(list)
	return nil
}

// sayHowToAsk tells how to write to those of a list who are no contacts.
func (c *chat) sayHowToAsk(list []localapi.Nearby) {
	if !slices.ContainsFunc(list, func(n localapi.Nearby) bool { return n.Name == "" }) {
		return
	}
	how := "qpc contact add NAME"
	if c.repl {
		how = "/dm NAME"
	}
	c.Note("Who is no contact is called as that machine says: compare the identity. %s, or the identity for NAME, asks to write.", how)
}

// greetLAN tells a person who is on the LAN.
func (c *chat) greetLAN(ctx context.Context) error {
	if c.terminal == nil {
		return nil
	}
	list, err := c.client.Nearby(ctx)
	if err != nil {
		return err
	}
	for _, n := range list[:min(len(list), 10)] {
		c.heard[n.Identity] = n.Claim != ""
		c.Note("%s", words.Nearby(n))
	}
	if len(list) > 10 {
		c.Note("and %d more: /lan lists them", len(list)-10)
	}
	c.sayHowToAsk(list)
	return nil
}
