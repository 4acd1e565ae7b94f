package chat

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/charmbracelet/x/ansi"
	"github.com/mdp/qrterminal/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"quicnprotochat/cmd/qpc/cli"
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
		c.drawLink(inv.Link, width(c.Stderr))
	}
	c.Note("Give it to people; they run: qpc contact add LINK\nIt can be used until %s.", cli.Shown(inv.Expires))
	return nil
}

// quiet is the empty space around a QR code, in modules.
const quiet = 2

// drawLink draws a link as a QR code if that has room in so many columns; 0 means
// that nobody looks.
func (c *chat) drawLink(link string, columns int) {
	if columns == 0 || c.JSON {
		return
	}
	var b bytes.Buffer
	qrterminal.GenerateWithConfig(link, qrterminal.Config{
		Level: qrterminal.L, Writer: &b, HalfBlocks: true, QuietZone: quiet,
		BlackChar: qrterminal.BLACK_BLACK, BlackWhiteChar: qrterminal.BLACK_WHITE,
		WhiteChar: qrterminal.WHITE_WHITE, WhiteBlackChar: qrterminal.WHITE_BLACK,
	})
	code := strings.TrimRight(b.String(), "\n")
	first, _, _ := strings.Cut(code, "\n")
	if need := ansi.StringWidth(first); need > columns {
		c.Note("(a QR code of it needs %d columns, here are %d)", need, columns)
		return
	}
	c.Note("%s", code)
}

// columns is how wide the terminal of the chat is, 0 without one.
func (c *chat) columns() int {
	if c.terminal == nil {
		return 0
	}
	return width(c.tty)
}

// width is how many columns a terminal has; 80 if it does not say, 0 for none.
func width(f any) int {
	if !isTerminal(f) {
		return 0
	}
	if columns, _, err := term.GetSize(int(f.(*os.File).Fd())); err == nil && columns > 0 {
		return columns
	}
	return 80
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
	if err := c.Print(added, addedText(added)); err != nil || !c.repl {
		return err
	}
	contact, err := c.client.Contact(ctx, added.Identity)
	if err != nil {
		return err
	}
	return c.open(contact)
}

func addedText(added localapi.AddedContact) string {
	if added.New {
		return fmt.Sprintf("Added %s  %s", cli.Defuse(added.Name), added.Identity)
	}
	return fmt.Sprintf("%s was a contact already  %s", cli.Defuse(added.Name), added.Identity)
}

// list shows the people, and in the chat the groups as well.
func (c *chat) list(ctx context.Context, r request) error {
	list, err := c.client.Contacts(ctx)
	if err != nil {
		return err
	}
	for _, contact := range list {
		if err := c.Print(contact, contactText(contact)+c.unreadNote(contact.Identity)); err != nil {
			return err
		}
	}
	if len(list) == 0 {
		c.remark("No contacts yet: give your link (qpc invite), or take one (qpc contact add LINK).")
	}
	if c.repl {
		return c.groups(ctx, r)
	}
	return nil
}

func contactText(c localapi.Contact) string {
	text := fmt.Sprintf("%-20s %s  by %s", cli.Defuse(c.Name), c.Identity, c.Via)
	if c.Claim != "" {
		text += ", " + cli.Defuse(c.Claim) + " as that relay claims"
	}
	if c.Verified {
		text += ", verified"
	}
	if c.Blocked {
		text += ", blocked"
	}
	if c.Changed != "" {
		text += "; THE RELAY NOW NAMES " + c.Changed + ": accept or refuse that, nothing is sent until then"
	}
	return text
}

// nearby shows whom the node hears on the LAN.
func (c *chat) nearby(ctx context.Context, _ request) error {
	list, err := c.client.Nearby(ctx)
	if err != nil {
		return err
	}
	for _, n := range list {
		if err := c.Print(n, nearbyText(n)); err != nil {
			return err
		}
	}
	if len(list) == 0 {
		c.remark("Nobody is heard on the LAN. A link works anywhere: qpc invite makes yours.")
	}
	return nil
}

func nearbyText(n localapi.Nearby) string {
	if n.Name == "" {
		return fmt.Sprintf("%-20s %s  on the LAN: add the identity, or their link, to write to them", "(no contact)", n.Identity)
	}
	return fmt.Sprintf("%-20s %s  on the LAN", cli.Defuse(n.Name), n.Identity)
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
		c.Note("%s", nearbyText(n))
	}
	if len(list) > 10 {
		c.Note("and %d more: /lan lists them", len(list)-10)
	}
	return nil
}
