package chat

import (
	"context"
	"fmt"

	"quicnprotochat/cmd/qpc/cli"
	"quicnprotochat/node/localapi"
)

const (
	// caughtUp bounds how much of what is unread is shown when a conversation is opened.
	caughtUp = 100
	// before is how many lines before it are shown as well.
	before = 3
)

// countUnread notes a message that came in for another conversation than the one that is
// written to.
func (c *chat) countUnread(e localapi.Event) {
	if e.Event != localapi.EventMessage || e.Contact == nil {
		return
	}
	id := e.Contact.Identity
	if e.Group != nil {
		id = e.Group.ID
	}
	if c.with != nil && c.with.id == id {
		return
	}
	if _, known := c.unread[id]; known || len(c.unread) < unreadTracked {
		c.unread[id]++
	}
}

// unreadTracked is of how many conversations the unread messages are counted.
const unreadTracked = 1000

// unreadNote says how much of a conversation is unread.
func (c *chat) unreadNote(id string) string {
	if n := c.unread[id]; n > 0 {
		return fmt.Sprintf(", %d unread", n)
	}
	return ""
}

// showUnread tells in which conversations something is unread.
func (c *chat) showUnread(ctx context.Context, _ request) error {
	c.tellRead(ctx)
	list, err := c.client.Unread(ctx)
	if err != nil {
		return err
	}
	for _, u := range list {
		if err := c.Print(u, fmt.Sprintf("%-20s %d unread", cli.Defuse(u.Name), u.Unread)); err != nil {
			return err
		}
	}
	if len(list) == 0 {
		c.Note("Nothing is unread.")
	}
	return nil
}

// greetUnread tells a person what came in while nobody looked.
func (c *chat) greetUnread(ctx context.Context) error {
	if c.terminal == nil {
		return nil
	}
	list, err := c.client.Unread(ctx)
	c.greet(list)
	return err
}

// greet notes what is unread, and tells of the first ten conversations.
func (c *chat) greet(list []localapi.Conversation) {
	for i, u := range list {
		if len(c.unread) < unreadTracked {
			c.unread[u.ID] = u.Unread
		}
		switch {
		case i < 10:
			c.Note("%-20s %d unread; /switch %s shows it", cli.Defuse(u.Name), u.Unread, cli.Defuse(u.Name))
		case i == 10:
			c.Note("and %d more: /unread lists them", len(list)-10)
		}
	}
}

// catchUp shows a person what is unread of the conversation that was opened and was not
// shown yet.
func (c *chat) catchUp(ctx context.Context) error {
	n := c.unread[c.with.id]
	delete(c.unread, c.with.id)
	if c.terminal == nil || n == 0 {
		return nil
	}
	if n > caughtUp {
		c.Note("(the newest %d of %d; /history %d shows all)", caughtUp, n, n)
	}
	return c.readBack(ctx, request{with: c.with.id, limit: uint32(min(n, caughtUp) + before)}, true)
}
