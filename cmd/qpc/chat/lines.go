package chat

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"quicnprotochat/cmd/qpc/chat/usage"
	"quicnprotochat/cmd/qpc/cli"
	"quicnprotochat/cmd/qpc/terminal"
	"quicnprotochat/node/localapi"
)

// line does what one line asks for. Only errQuit and errors of the output end
// the chat: all others are told and the chat goes on.
func (c *chat) line(ctx context.Context, line terminal.Line) error {
	return c.settle(func() error { return c.do(ctx, line.Text) }, line.Err)
}

// settle does something unless there is an error already, and tells of an error that does
// not end the chat.
func (c *chat) settle(do func() error, err error) error {
	if err == nil {
		err = do()
	}
	var tell *localapi.Error
	switch {
	case errors.As(err, &tell):
		c.fail(err)
	case err != nil:
		return err
	}
	return c.prompt()
}

// result is what came of something that took a while: what shows it, or an error.
type result struct {
	show func() error
	err  error
}

// meanwhile does what can take a while. A person at a terminal goes on typing and
// reading, and sees what came of it when it is there; a program gets it in its order.
// slow runs beside the chat, what it returns does not.
func (c *chat) meanwhile(ctx context.Context, slow func() (show func() error, err error)) error {
	if c.terminal == nil {
		show, err := slow()
		if err != nil {
			return err
		}
		return show()
	}
	go func() {
		show, err := slow()
		select {
		case c.finished <- result{show, err}:
		case <-ctx.Done():
		}
	}()
	return nil
}

func (c *chat) do(ctx context.Context, text string) error {
	switch {
	case strings.TrimSpace(text) == "":
		return nil
	case strings.HasPrefix(text, "//"):
		return c.send(ctx, text[1:])
	case strings.HasPrefix(text, "/"):
		return c.ask(ctx, text)
	default:
		return c.send(ctx, text)
	}
}

func (c *chat) send(ctx context.Context, text string) error {
	if err := c.pick(ctx); err != nil {
		return err
	}
	if err := localapi.CheckText(text); err != nil {
		return err
	}
	d, err := c.client.Send(ctx, c.with.id, text, "", 0)
	if err != nil {
		return err
	}
	return c.sending(d, text)
}

// sending notes a message that is on its way and tells of it, at a terminal not before
// there is something to tell.
func (c *chat) sending(d localapi.Delivery, text string) error {
	number := ""
	if c.with != nil {
		number = c.number(d.ID, c.with.id)
	}
	line := c.out.Sending(d, number, text, c.terminal != nil)
	if line == "" {
		return nil
	}
	return c.Print(d, line)
}

// pick begins to write to the only contact if nobody was picked.
func (c *chat) pick(ctx context.Context) error {
	if c.with != nil {
		return nil
	}
	list, err := c.client.Contacts(ctx)
	switch {
	case err != nil:
		return err
	case len(list) == 1:
		return c.open(ctx, list[0])
	case len(list) == 0:
		return cli.UsageError("there is nobody to write to yet", "give your link (/invite), or take one (/join LINK)")
	default:
		return cli.UsageError("to whom?", "/list shows people and groups, /switch NAME picks one")
	}
}

// dm begins to write to a person.
func (c *chat) dm(ctx context.Context, r request) error {
	who := r.args[0]
	if !isKnownName(who) {
		return c.take(ctx, r)
	}
	contact, err := c.client.Contact(ctx, who)
	if err == nil {
		return c.open(ctx, contact)
	}
	if localapi.AsError(err).Exit != localapi.ExitContact {
		return err
	}
	list, nearbyErr := c.client.Nearby(ctx)
	if slices.ContainsFunc(list, func(n localapi.Nearby) bool {
		return n.Name == "" && (strings.EqualFold(n.Claim, who) || n.Identity == who)
	}) {
		return c.take(ctx, r)
	}
	return cmp.Or(nearbyErr, err)
}

// group begins to write to a group.
func (c *chat) group(ctx context.Context, r request) error {
	g, err := c.client.Group(ctx, r.args[0])
	if err != nil {
		return err
	}
	return c.openGroup(ctx, localapi.Group{ID: g.ID, Name: g.Name, Status: g.Status, Members: len(g.Members)})
}

// switchTo begins to write to a person, or else a group, of that name, or else as dm
// does; without one it tells what is unread.
func (c *chat) switchTo(ctx context.Context, r request) error {
	if len(r.args) == 0 {
		return c.showUnread(ctx, r)
	}
	v, err := c.client.Conversation(ctx, r.args[0])
	if err == nil && v.Group {
		return c.group(ctx, request{args: []string{v.ID}})
	}
	if _, groupErr := c.client.Group(ctx, r.args[0]); err != nil && groupErr == nil {
		return err // it could be a person as well
	}
	if err = c.dm(ctx, r); err == nil || localapi.AsError(err).Exit != localapi.ExitContact {
		return err
	}
	none := *localapi.AsError(err)
	none.Message += ", and no group"
	return &none
}

// turn has a line without a slash go to somebody from now on.
func (c *chat) turn(to chatPartner) {
	c.with = &to
	c.where.Store(to.id)
}

// open begins to write to a contact.
func (c *chat) open(ctx context.Context, contact localapi.Contact) error {
	c.turn(chatPartner{id: contact.Identity, name: contact.Name})
	if err := c.Print(contact, "Writing to "+cli.Defuse(contact.Name)+"; /history shows what was said."); err != nil {
		return err
	}
	return c.catchUp(ctx)
}

// openGroup begins to write to a group.
func (c *chat) openGroup(ctx context.Context, g localapi.Group) error {
	c.turn(chatPartner{id: g.ID, name: g.Name, group: true})
	if err := c.Print(g, "Writing to the group "+cli.Defuse(g.Name)+"; /history shows what was said."); err != nil {
		return err
	}
	return c.catchUp(ctx)
}

// help lists the verbs, or says more about one.
func (c *chat) help(_ context.Context, r request) error {
	text := Help()
	if len(r.args) > 0 {
		v, ok := verbOf("/" + strings.TrimPrefix(r.args[0], "/"))
		if !ok {
			return cli.UsageError("there is no /"+r.args[0], "/help lists what there is")
		}
		text = cli.HelpLine(v.usage(), v.short)
		if v.long != "" {
			text += "\n\n" + v.long
		}
	}
	return c.Print(cli.HelpObject{Help: text}, text)
}

// lines are what is typed, or what stdin gives.
func (c *chat) lines(ctx context.Context) <-chan terminal.Line {
	if c.terminal != nil {
		return c.terminal.Lines()
	}
	return terminal.ReadLines(ctx, c.Stdin)
}

// complete returns what a line could become: a command, or a command with the last
// of its arguments. It runs beside the chat.
func (c *chat) complete(ctx context.Context, line string) (offers []string) {
	word, rest, named := strings.Cut(line, " ")
	if !strings.HasPrefix(line, "/") {
		return nil
	}
	if !named {
		for _, v := range verbs() {
			if v.slash != "" && strings.HasPrefix("/"+v.slash, line) {
				offers = append(offers, "/"+v.slash+" ")
			}
		}
		return offers
	}
	v, _ := verbOf(word)
	begun, at := "", 0
	_, limit := v.typed.Arity()
	if limit > 1 {
		// Only the last of several is begun.
		cut := strings.LastIndex(rest, " ") + 1
		if strings.Count(rest, `"`)%2 == 1 {
			cut = strings.LastIndex(rest, `"`) // a name with spaces
		}
		begun, rest = rest[:cut], rest[cut:]
		at = len(v.typed.Split(begun))
	}
	group, _ := c.where.Load().(string)
	for _, name := range names(ctx, c.client, v.typed.At(at), group) {
		offer := name
		if limit > 1 {
			offer = usage.Quote(name)
		}
		if strings.HasPrefix(name, rest) || strings.HasPrefix(offer, rest) {
			offers = append(offers, word+" "+begun+offer)
		}
	}
	return offers
}
