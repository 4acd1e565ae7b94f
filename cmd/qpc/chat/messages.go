package chat

import (
	"context"
	"strconv"

	"quicnprotochat/cmd/qpc/chat/transcript"
	"quicnprotochat/cmd/qpc/cli"
	"quicnprotochat/cmd/qpc/words"
	"quicnprotochat/node/localapi"
)

// Nobody is the error of an empty name.
func Nobody() error {
	return &localapi.Error{Message: "no contact is called \"\"", Hint: "qpc contacts lists them", Exit: localapi.ExitContact}
}

// history reads a conversation: all of it at the command line, and in the chat its
// newest messages.
func (c *chat) history(ctx context.Context, r request) error {
	limit := int(r.limit)
	switch {
	case len(r.args) > 0:
		n, err := strconv.ParseUint(r.args[0], 10, 31)
		if err != nil {
			return cli.UsageError("/history takes a number", "/history 20")
		}
		limit = int(n)
	case c.repl:
		limit = 20
	}
	r.limit = uint32(limit)
	return c.readBack(ctx, r, false)
}

// readBack shows the messages of a conversation that a request asks for, or of them
// only those that have not been shown in this chat.
func (c *chat) readBack(ctx context.Context, r request, unseen bool) error {
	self, err := c.client.Identity(ctx)
	if err != nil {
		return err
	}
	last := ""
	err = transcript.Read(ctx, c.client, r.with, int(r.limit), r.after, func(m localapi.Message, authors map[string]string) error {
		last = m.ID
		if unseen && c.numbers.Has(m.ID) {
			return nil
		}
		number := c.number(m.ID, place(m, self.Identity))
		if c.terminal != nil && m.From == self.Identity {
			c.out.Follow(m, number, string(m.State))
		}
		return c.Print(m, number+words.Message(m, self.Identity, authors))
	})
	if err != nil || last == "" {
		return err
	}
	// A command may be that of a program: it tells nobody what was read.
	return c.client.MarkRead(ctx, r.with, last, c.terminal != nil)
}
