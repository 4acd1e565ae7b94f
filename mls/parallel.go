package mls

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// inParallel calls f for 0 to n-1 on all cores, in batches, and returns when
// all calls have. After an error no more are begun; since they begin in order,
// the error is that of the lowest index that has one.
func inParallel(n, batch int, f func(i int) error) error {
	errs := make([]error, n)
	var next atomic.Int64
	var failed atomic.Bool
	work := func() {
		for !failed.Load() {
			end := int(next.Add(int64(batch)))
			for i := end - batch; i < min(end, n); i++ {
				if errs[i] = f(i); errs[i] != nil {
					failed.Store(true)
				}
			}
			if end >= n {
				return
			}
		}
	}
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), (n+batch-1)/batch) - 1 {
		wg.Go(work)
	}
	work()
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// worthSharing is a number of tree hashes that takes longer than to start a
// goroutine.
const worthSharing = 256

// together calls both, at the same time when there is enough to do.
func together(size int, a, b func()) {
	if size < worthSharing {
		a()
		b()
		return
	}
	var wg sync.WaitGroup
	wg.Go(a)
	b()
	wg.Wait()
}
