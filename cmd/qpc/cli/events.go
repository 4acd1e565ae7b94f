package cli

import (
	"context"
	"sync"
	"time"

	"quicnprotochat/node/localapi"
)

// Absence says what to do when the node is away, as it is while it starts again.
type Absence struct {
	// Patience is how long it is waited for; 0 not at all.
	Patience time.Duration
	// Tell is called with true when it is away, and with false when it is back, where
	// there is patience.
	Tell func(away bool)
}

// Listen follows the events of the node until ctx ends. It returns when none can
// be missed any more; lost gets the reason if it has to give up.
func Listen(ctx context.Context, client *localapi.Client, absent Absence) (<-chan localapi.Event, <-chan error) {
	events, lost, ready := make(chan localapi.Event), make(chan error, 1), make(chan struct{})
	first := sync.OnceFunc(func() { close(ready) })
	go func() { lost <- follow(ctx, client, events, first, absent) }()
	select {
	case <-ready:
	case err := <-lost:
		lost <- err
	}
	return events, lost
}

// follow hands on events and comes back when the stream of them breaks off, as
// it does for a listener that was too slow, and when the node is away.
func follow(ctx context.Context, client *localapi.Client, events chan<- localapi.Event, ready func(), absent Absence) error {
	var last uint64
	var away time.Time // since when; zero: it is there
	here := false      // it was
	for tries := 0; ; tries++ {
		began := func(from uint64) {
			if last, tries, here = from, 0, true; !away.IsZero() {
				away = time.Time{}
				absent.Tell(false)
			}
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
		switch nobody := localapi.AsError(err).Exit == localapi.ExitNoDaemon; {
		case nobody && here && absent.Patience > 0 && away.IsZero():
			away, tries = time.Now(), 0
			absent.Tell(true)
		case nobody && !away.IsZero() && time.Since(away) < absent.Patience:
			tries = 0
		case nobody, tries == 5:
			return err
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
			return nil
		}
	}
}
