package flow

import (
	"context"

	"golang.org/x/sync/semaphore"
)

// Turns are those of the calls of this side. The library's flow limiter counts a message
// only after it is queued, and panics on one above its limit.
type Turns struct {
	most  int64 // bytes
	calls *semaphore.Weighted
	reads *semaphore.Weighted // of methods with large answers
	bytes *semaphore.Weighted
}

// NewTurns returns turns for so many calls at once, so many of which may have large
// answers, and for so many bytes of arguments.
func NewTurns(calls, reads int, bytes int64) *Turns {
	return &Turns{
		most:  bytes,
		calls: semaphore.NewWeighted(int64(max(1, calls))),
		reads: semaphore.NewWeighted(int64(max(1, reads))),
		bytes: semaphore.NewWeighted(bytes),
	}
}

// Await waits until a call with so many bytes of arguments may be sent; large says that
// its answer may be. done ends its turn.
func (t *Turns) Await(ctx context.Context, size int64, large bool) (done func(), err error) {
	size = min(size, t.most)
	if large {
		if err := t.reads.Acquire(ctx, 1); err != nil {
			return nil, err
		}
	}
	if err = t.calls.Acquire(ctx, 1); err == nil {
		if err = t.bytes.Acquire(ctx, size); err != nil {
			t.calls.Release(1)
		}
	}
	if err != nil {
		if large {
			t.reads.Release(1)
		}
		return nil, err
	}
	return func() {
		t.bytes.Release(size)
		t.calls.Release(1)
		if large {
			t.reads.Release(1)
		}
	}, nil
}
