package mls

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
)

// TestInParallel: the error is that of the lowest index, whichever call ends
// first, and without one every call is made.
func TestInParallel(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		n, batch := r.IntN(100), 1+r.IntN(9)
		bad := map[int]error{}
		for range r.IntN(4) {
			i := r.IntN(n + 1)
			bad[i] = fmt.Errorf("error %d", i)
		}
		var want error
		for i := range n {
			if want = bad[i]; want != nil {
				break
			}
		}
		var calls atomic.Int64
		got := inParallel(n, batch, func(i int) error {
			calls.Add(1)
			return bad[i]
		})
		if !errors.Is(got, want) || want == nil && int(calls.Load()) != n {
			t.Fatalf("%d calls in batches of %d: got %v, want %v, after %d calls", n, batch, got, want, calls.Load())
		}
	}
}
