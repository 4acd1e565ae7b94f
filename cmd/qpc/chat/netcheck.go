package chat

import (
	"context"

	"quicnprotochat/cmd/qpc/words"
)

// netcheck says how this machine is connected and can be reached.
func (c *chat) netcheck(ctx context.Context, _ request) error {
	return c.meanwhile(ctx, func() (func() error, error) {
		n, err := c.client.Netcheck(ctx)
		return func() error { return c.Print(n, words.Netcheck(n)) }, err
	})
}
