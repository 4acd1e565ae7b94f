package chat

import (
	"context"

	"quicnprotochat/cmd/qpc/words"
)

// netcheck says how this machine is connected and can be reached.
func (c *chat) netcheck(ctx context.Context, _ request) error {
	n, err := c.client.Netcheck(ctx)
	if err != nil {
		return err
	}
	return c.Print(n, words.Netcheck(n))
}
