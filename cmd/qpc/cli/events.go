package cli

import (
	"context"
	"sync"
	"time"

	"quicnprotochat/node/localapi"
)

// Listen follows the events of the node until ctx ends. It returns when none can
// be missed any more; lost gets the reason if it has to give up.
func Listen(ctx context.Context, client *localapi.Client) (<-chan localapi.Event, <-chan error) {
	events, lost, ready := make(chan localapi.Event), make(chan error, 1), make(chan struct{})
	first := sync.OnceFunc(func() { close(ready) })
	go func() { lost <- follow(ctx, client, events, first) }()
	select {
	case <-ready:
	case err := <-lost:
		lost <- err
	}
	return events, lost
}

// follow hands on events and comes back when the stream of them breaks off, as
// it does for a listener that was too slow.
func follow(ctx context.Context, client *localapi.Client, events chan<- localapi.Event, ready func()) error {
	var last uint64
	for tries := 0; ; tries++ {
		began := func(from uint64) {
			last, tries = from, 0
			ready()
		}
		err := client.Events(ctx, last, began, func(e localapi.Event) error {
			select {
			case events <- e:
				if e.ID > 0 {
					last = e.ID
				}
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
		if tries == 5 || localapi.AsError(err).Exit == localapi.ExitNoDaemon {
			return err
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
			return nil
		}
	}
}
