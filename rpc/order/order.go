package order

import (
	"context"
	"sync"
	"time"
)

// Grace is how long an enqueue holds up the next one of its connection
// if its handler neither returns nor calls Placed. It is much longer than a
// busy machine keeps a handler from running: 50 ms were not, under load.
const Grace = time.Second

type placedKey struct{}

// Placed tells the server that an enqueue or batchEnqueue has taken its place
// in line, so that the handler of the next one on the connection may start. A
// Depositor calls it with the context that it was given, when the payload is
// where order is decided (in the queue of a writer, for instance) and before
// it waits for a commit. It may be called more than once, and with any
// context.
//
// Without it the next handler starts when this one has returned or a second
// after it was called, whichever comes first: of one connection, no two payloads
// go into one commit.
func Placed(ctx context.Context) {
	if f, ok := ctx.Value(placedKey{}).(func()); ok {
		f()
	}
}

// Queue makes the handlers of a connection start in the order of the calls.
type Queue struct {
	mu   sync.Mutex // guards last
	last chan struct{}
}

// Turn is one place in a Queue.
type Turn struct {
	before <-chan struct{} // closed when it is our turn; nil at once
	placed chan struct{}   // closed when it is the next one's turn
}

// Join takes the next place.
func (q *Queue) Join() Turn {
	q.mu.Lock()
	defer q.mu.Unlock()
	t := Turn{before: q.last, placed: make(chan struct{})}
	q.last = t.placed
	return t
}

// Wait waits for its turn. The caller calls leave when it is done.
func (t Turn) Wait(ctx context.Context) (_ context.Context, leave func()) {
	if t.before != nil {
		<-t.before // never longer than Grace after it started
	}
	placed := sync.OnceFunc(func() { close(t.placed) })
	timer := time.AfterFunc(Grace, placed)
	return context.WithValue(ctx, placedKey{}, placed), func() {
		timer.Stop()
		placed()
	}
}
