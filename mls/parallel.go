package mls

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// inParallel calls f for 0 to n-1 on all cores, in batches, and returns when
// all calls have. The error is that of the lowest index that has one.
func inParallel(n, batch int, f func(i int) error) error {
	errs := make([]error, n)
	var next atomic.Int64
	work := func() {
		for {
			end := int(next.Add(int64(batch)))
			for i := end - batch; i < min(end, n); i++ {
				errs[i] = f(i)
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
