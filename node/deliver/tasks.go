package deliver

import (
	"context"
	"sync"
)

// tasks are the goroutines of one Run. All get its context, and it waits for
// all; after it has ended, none starts.
type tasks struct {
	begin func(func(ctx context.Context))

	mu    sync.Mutex
	ended bool
	wg    sync.WaitGroup
}

func newTasks(ctx context.Context) *tasks {
	t := &tasks{}
	t.begin = func(fn func(ctx context.Context)) { t.wg.Go(func() { fn(ctx) }) }
	return t
}

// run starts fn in a goroutine and reports whether it did.
func (t *tasks) run(fn func(ctx context.Context)) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.ended {
		t.begin(fn)
	}
	return !t.ended
}

// wait lets no more goroutines start and waits for those that run.
func (t *tasks) wait() {
	t.mu.Lock()
	t.ended = true
	t.mu.Unlock()
	t.wg.Wait()
}
