package chat

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"quicnprotochat/cmd/qpc/cli"
	"quicnprotochat/cmd/qpc/words"
	"quicnprotochat/node/localapi"
)

// number is how a message is named in a chat; nothing in a single command.
func (c *chat) number(id, with string) string {
	if !c.repl {
		return ""
	}
	return fmt.Sprintf("#%d ", c.numbers.Give(id, with))
}

// message is what a person calls a message: the number beside it, last, or its id, of
// which four digits are the least; with is the conversation that it is of, if the number
// says it.
func (c *chat) message(ref string) (id, with string, err error) {
	n, notNumber := strconv.Atoi(strings.TrimPrefix(ref, "#"))
	if notNumber != nil || !c.repl {
		return ref, "", nil
	}
	if id, with, ok := c.numbers.At(n); ok {
		return id, with, nil
	}
	if len(ref) < 4 || ref[0] == '#' {
		return "", "", cli.UsageError("no message here has the number "+ref, "the number stands before each message that is shown; /history shows them")
	}
	return ref, "", nil
}

// mark is a verb that does something with a message.
func mark(action localapi.MarkAction) func(c *chat, ctx context.Context, r request) error {
	return func(c *chat, ctx context.Context, r request) error {
		req := localapi.MarkRequest{Contact: r.with, Message: r.args[0], Action: action}
		if len(r.args) > 1 {
			req.Text = r.args[1]
		}
		if action == localapi.MarkReply || action == localapi.MarkEdit {
			if err := localapi.CheckText(req.Text); err != nil {
				return err
			}
		}
		if action == localapi.MarkReact && req.Text == "" {
			req.Action = localapi.MarkUnreact
		}
		d, err := c.client.Mark(ctx, req)
		if err != nil {
			return err
		}
		if c.repl && action == localapi.MarkReply {
			return c.sending(d, req.Text)
		}
		if c.repl && !c.JSON {
			return nil // the event says it
		}
		return c.Print(d, words.Delivery(d))
	}
}

// tellRead says, of what a person at the terminal was shown, that it was read. It is
// called now and then, so that many messages at once are one call.
func (c *chat) tellRead(ctx context.Context) {
	for with, id := range c.toRead {
		delete(c.toRead, with)
		if err := c.client.MarkRead(ctx, with, id, true); err != nil {
			c.fail(err)
		}
	}
}

// saw notes that a person was shown a message of the conversation that is written to.
func (c *chat) saw(with, id string) {
	if c.terminal != nil && c.with != nil && c.with.id == with {
		c.toRead[with] = id
	}
}

// tellTyping says that the user is typing, not at every key.
func (c *chat) tellTyping(ctx context.Context) {
	if c.with == nil || time.Since(c.told) < typingTime/2 {
		return
	}
	c.told = time.Now()
	if err := c.client.Typing(ctx, c.with.id); err != nil {
		c.fail(err)
	}
}

// timer shows or sets how long messages stay.
func (c *chat) timer(ctx context.Context, r request) error {
	if len(r.args) == 0 {
		return c.showSettings(c.client.Conversation(ctx, r.with))
	}
	after := r.args[0]
	if after == "off" {
		after = "0s"
	}
	if _, err := localapi.ParseTimer(after); err != nil {
		return err
	}
	return c.showSettings(c.client.Set(ctx, localapi.SetRequest{Contact: r.with, Timer: after}))
}

// receipts shows or sets whether others are told what was read.
func (c *chat) receipts(ctx context.Context, r request) error {
	if len(r.args) == 0 {
		return c.showSettings(c.client.Conversation(ctx, r.with))
	}
	if r.args[0] != "on" && r.args[0] != "off" {
		return cli.UsageError("receipts are on or off, not "+r.args[0], "qpc receipts CONVERSATION off")
	}
	on := r.args[0] == "on"
	return c.showSettings(c.client.Set(ctx, localapi.SetRequest{Contact: r.with, ReadReceipts: &on}))
}

// mute is a verb that silences a conversation, or does so no more.
func mute(muted bool) func(c *chat, ctx context.Context, r request) error {
	return func(c *chat, ctx context.Context, r request) error {
		return c.showSettings(c.client.Set(ctx, localapi.SetRequest{Contact: r.with, Muted: &muted}))
	}
}

// archive is a verb that puts a conversation away, or brings it back.
func archive(archived bool) func(c *chat, ctx context.Context, r request) error {
	return func(c *chat, ctx context.Context, r request) error {
		return c.showSettings(c.client.Set(ctx, localapi.SetRequest{Contact: r.with, Archived: &archived}))
	}
}

// rename gives a person or a group another name.
func (c *chat) rename(ctx context.Context, r request) error {
	name := r.args[0]
	if strings.TrimSpace(name) == "" {
		return cli.UsageError("a name has at least one letter", "qpc rename CONVERSATION NAME")
	}
	v, err := c.client.Set(ctx, localapi.SetRequest{Contact: r.with, Name: name})
	if err != nil {
		return err
	}
	if c.with != nil && c.with.id == v.ID {
		c.with.name = v.Name
	}
	return c.Print(v, "Called "+cli.Defuse(v.Name)+" from now on.")
}

func (c *chat) showSettings(v localapi.Conversation, err error) error {
	if err != nil {
		return err
	}
	text := cli.Defuse(v.Name) + ": messages stay"
	if d, err := localapi.ParseTimer(v.Timer); err == nil && d > 0 {
		text = fmt.Sprintf("%s: messages disappear %s after they were read", cli.Defuse(v.Name), localapi.Brief(d))
	}
	for _, part := range []struct {
		on      bool
		yes, no string
	}{
		{v.ReadReceipts, "others are told what you read", "nobody is told what you read"},
		{v.Muted, "muted", "not muted"},
		{v.Archived, "archived until something is said", "not archived"},
	} {
		if part.on {
			text += "; " + part.yes
		} else {
			text += "; " + part.no
		}
	}
	return c.Print(v, fmt.Sprintf("%s; %d unread", text, v.Unread))
}

// changed tells how a message looks that is other than before.
func (c *chat) changed(e localapi.Event) string {
	m, who := *e.Message, cli.Defuse(e.Contact.Name)
	own := e.Contact.Identity == c.self.Identity
	if own {
		who = "you"
	}
	line := c.number(m.ID, place(m, c.self.Identity))
	switch {
	case e.Change == localapi.Edited && own:
		return fmt.Sprintf("  %syou now say: %s", line, words.Body(m))
	case e.Change == localapi.Edited:
		return fmt.Sprintf("  %s%s now says: %s", line, who, words.Body(m))
	case e.Change == localapi.Deleted && own && m.From != c.self.Identity:
		return fmt.Sprintf("  %sthis message is gone from here", line)
	case e.Change == localapi.Deleted:
		return fmt.Sprintf("  %s%s deleted this message", line, who)
	case e.Change == localapi.Reacted:
		return fmt.Sprintf("  %s%s  <- %s", line, words.Excerpt(m.Text), c.reactions(m, e))
	}
	return ""
}

// reactions lists who feels what about a message, as far as names are known here.
func (c *chat) reactions(m localapi.Message, e localapi.Event) string {
	var all []string
	for _, r := range m.Reactions {
		switch r.From {
		case c.self.Identity:
			all = append(all, cli.Defuse(r.Emoji)+" you")
		case e.Contact.Identity:
			all = append(all, cli.Defuse(r.Emoji)+" "+cli.Defuse(e.Contact.Name))
		default:
			all = append(all, cli.Defuse(r.Emoji))
		}
	}
	if len(all) == 0 {
		return "no reaction any more"
	}
	return strings.Join(all, ", ")
}

// place is the conversation of a message.
func place(m localapi.Message, self string) string {
	switch {
	case m.Group != "":
		return m.Group
	case m.From == self:
		return m.To
	}
	return m.From
}
