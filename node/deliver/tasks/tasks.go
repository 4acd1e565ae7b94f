package tasks

import (
	"context"
	"sync"
)

// Tasks are goroutines with one context. Their methods may be called from any of them.
type Tasks struct {
	begin func(func(ctx context.Context))

	mu    sync.Mutex
	ended bool
	wg    sync.WaitGroup
}

// New returns no tasks yet; those to come get ctx.
func New(ctx context.Context) *Tasks {
	t := &Tasks{}
	t.begin = func(fn func(ctx context.Context)) { t.wg.Go(func() { fn(ctx) }) }
	return t
}

// Run starts fn in a goroutine and reports whether it did.
func (t *Tasks) Run(fn func(ctx context.Context)) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.ended {
		t.begin(fn)
	}
	return !t.ended
}

// Wait lets no more goroutines start and waits for those that run.
func (t *Tasks) Wait() {
	t.mu.Lock()
	t.ended = true
	t.mu.Unlock()
	t.wg.Wait()
}
