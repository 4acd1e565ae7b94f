package rpc

import (
	"context"
	"errors"

	"quicnprotochat/rpc/budget"
)

// Room waits until there is memory for an answer of n bytes, in place of what
// the call asked for before. A handler calls it before it loads an answer that
// is large, and again when it knows better: less is granted at once. The memory
// counts until the answer is written. The error is that of ctx, or ErrBusy.
// Without a server around the handler there is always room.
func Room(ctx context.Context, n int) error {
	err := budget.Room(ctx, n)
	if errors.Is(err, budget.ErrCrowded) {
		return ErrBusy
	}
	return err
}
