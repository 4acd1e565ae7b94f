package chat

import (
	"context"
	"strings"

	"quicnprotochat/cmd/qpc/cli"
	"quicnprotochat/cmd/qpc/words"
	"quicnprotochat/node/localapi"
)

// idLength is how many hex digits the id of a message has.
const idLength = 32

// why says what was tried for a message: of that id, or the newest own one of a
// conversation.
func (c *chat) why(ctx context.Context, r request) error {
	id, err := c.messageOf(ctx, r.args)
	if err != nil {
		return err
	}
	x, err := c.client.Why(ctx, id)
	if err != nil {
		return err
	}
	return c.Print(x, words.Explanation(x))
}

// messageOf returns the id that was given, or that of the newest own message of the
// conversation that was given, or that is written to.
func (c *chat) messageOf(ctx context.Context, args []string) (id string, err error) {
	if len(args) == 0 {
		if err := c.pick(ctx); err != nil {
			return "", err
		}
		return c.newest(ctx, c.with.id)
	}
	id, _, err = c.message(args[0])
	if err != nil || isMessageID(id) {
		return id, err
	}
	return c.newest(ctx, id)
}

// isMessageID reports whether text can be the id of a message. That of a group has
// the same form: a group is asked for by its name.
func isMessageID(text string) bool {
	return len(text) == idLength && strings.Trim(text, "0123456789abcdef") == ""
}

// newestAmong is how far back an own message is looked for.
const newestAmong = 256

// newest returns the id of the newest own message of a conversation.
func (c *chat) newest(ctx context.Context, conversation string) (id string, err error) {
	self, err := c.client.Identity(ctx)
	if err != nil {
		return "", err
	}
	err = c.client.History(ctx, conversation, newestAmong, "", func(m localapi.Message) error {
		if m.From == self.Identity {
			id = m.ID
		}
		return nil
	})
	if err == nil && id == "" {
		err = cli.UsageError("you wrote nothing there lately", "qpc history CONVERSATION --json lists the messages with their ids")
	}
	return id, err
}

// ping calls a contact's machine and relays. It fails if the machine does not
// answer.
func (c *chat) ping(ctx context.Context, r request) error {
	who := ""
	if len(r.args) > 0 {
		who = r.args[0]
	} else {
		if err := c.pick(ctx); err != nil {
			return err
		}
		if c.with.group {
			return cli.UsageError("you write to the group "+c.with.name, "/ping CONTACT calls one of its members")
		}
		who = c.with.id
	}
	return c.meanwhile(ctx, func() (func() error, error) {
		p, err := c.client.Ping(ctx, who)
		return func() error {
			if err := c.Print(p, words.Ping(p)); err != nil || p.Reached {
				return err
			}
			hint := "qpc netcheck says how this machine is connected"
			return &localapi.Error{Message: p.Name + " does not answer", Hint: hint, Exit: localapi.ExitNetwork}
		}, err
	})
}
