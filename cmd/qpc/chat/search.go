package chat

import (
	"cmp"
	"context"
	"fmt"

	"quicnprotochat/cmd/qpc/cli"
	"quicnprotochat/cmd/qpc/words"
)

// search shows the messages with all of some words, each with its conversation.
func (c *chat) search(ctx context.Context, r request) error {
	found, err := c.client.Search(ctx, r.args[0], r.in, int(r.limit))
	if err != nil {
		return err
	}
	self, err := c.client.Identity(ctx)
	if err != nil {
		return err
	}
	names := map[string]string{}
	if len(found) > 0 {
		if names, err = c.names(ctx); err != nil {
			return err
		}
		names[self.Identity] = self.Name // of notes
	}
	for _, m := range found {
		with := place(m, self.Identity)
		text := fmt.Sprintf("%s%s: %s", c.number(m.ID, with), cli.Defuse(cmp.Or(names[with], with)), words.Message(m, self.Identity, names))
		if err := c.Print(m, text); err != nil {
			return err
		}
	}
	if len(found) == 0 {
		c.Note("Nothing found.")
	}
	return nil
}

// names are what people and groups are called, by identity and id.
func (c *chat) names(ctx context.Context) (map[string]string, error) {
	names := map[string]string{}
	contacts, err := c.client.Contacts(ctx)
	if err != nil {
		return nil, err
	}
	for _, contact := range contacts {
		names[contact.Identity] = contact.Name
	}
	groups, err := c.client.Groups(ctx)
	for _, g := range groups {
		names[g.ID] = g.Name
	}
	return names, err
}
