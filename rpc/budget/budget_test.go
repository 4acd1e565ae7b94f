package budget

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// seats are accounts of a Budget and what they were given.
func newTestAccount(b *Budget, peer byte) (a *Share, cut *error) {
	cut = new(error)
	return NewShare(b, Peer{peer}, make(chan struct{}), func(err error) { *cut = err }), cut
}

func take(t *testing.T, a *Share, n int64) *Seat {
	t.Helper()
	s, err := a.take(t.Context(), &a.budget.in, n)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestBudgetOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := New(24 << 20) // 12 MiB for what comes in, 9 for large messages
		one, _ := newTestAccount(b, 1)
		two, _ := newTestAccount(b, 2)
		three, _ := newTestAccount(b, 3)
		first := take(t, one, 5<<20) // above a share, but it has nothing yet
		take(t, two, 3<<20)

		var mu sync.Mutex
		var got []string
		wait := func(name string, a *Share, n int64) {
			go func() {
				if _, err := a.take(t.Context(), &b.in, n); err == nil {
					mu.Lock()
					defer mu.Unlock()
					got = append(got, name)
				}
			}()
			synctest.Wait()
		}
		wait("large", three, 3<<20)
		wait("over its share", one, 1<<20)
		wait("small", two, small)
		wait("tiny", one, Tiny)
		if want := []string{"small", "tiny"}; len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
			t.Errorf("got %v, want %v", got, want)
		}
		one.Drop(first)
		one.Drop(first)
		one.Drop(nil)
		synctest.Wait()
		if len(got) != 4 {
			t.Errorf("got %v after there was room", got)
		}
		one.Close()
		two.Close()
		three.Close()
		if b.in.used != 0 || len(b.in.held) != 0 || len(b.in.queue) != 0 {
			t.Errorf("%d bytes are in use at the end", b.in.used)
		}
		if _, err := one.take(t.Context(), &b.in, small); !errors.Is(err, ErrClosed) || b.in.used != 0 {
			t.Errorf("got %v after the end", err)
		}
	})
}

// TestBudgetPatience lets others wait for messages that do not move on: those
// end. Who waits for handlers gives up.
func TestBudgetPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := New(16 << 20)
		slow, cut := newTestAccount(b, 1)
		other, _ := newTestAccount(b, 2)
		s := take(t, slow, 6<<20)
		if _, err := other.take(t.Context(), &b.in, 6<<20); !errors.Is(err, ErrCrowded) || *cut != nil {
			t.Errorf("got %v, cut with %v", err, *cut)
		}
		now := time.Now()
		s.Moves(now, time.Time{})
		b.in.evict(now.Add(passTime))
		s.Moves(now, now)
		b.in.evict(now.Add(pauseTime))
		if *cut != nil {
			t.Errorf("cut with %v, too early", *cut)
		}
		take(t, other, 6<<20)
		if !errors.Is(*cut, ErrCrowded) || time.Since(now) > passTime {
			t.Errorf("cut with %v after %v", *cut, time.Since(now))
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := slow.take(ctx, &b.in, 6<<20); !errors.Is(err, context.Canceled) || len(b.in.queue) != 0 {
			t.Errorf("got %v", err)
		}
	})
}

// TestBudgetQueue lets as many wait as may.
func TestBudgetQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := New(16 << 20)
		first, _ := newTestAccount(b, 1)
		s := take(t, first, 6<<20)
		var wg sync.WaitGroup
		for i := range byte(maxQueue) {
			a, _ := newTestAccount(b, i)
			wg.Go(func() {
				if _, err := a.take(t.Context(), &b.in, 1<<20); err != nil {
					t.Error(err)
				}
				a.Close()
			})
		}
		synctest.Wait()
		late, _ := newTestAccount(b, 2)
		if _, err := late.take(t.Context(), &b.in, 1<<20); !errors.Is(err, ErrCrowded) || len(b.in.queue) != maxQueue {
			t.Errorf("got %v, %d wait", err, len(b.in.queue))
		}
		late.Drop(take(t, late, small))
		first.Drop(s)
		wg.Wait()
		if b.in.used != 0 {
			t.Errorf("%d bytes are in use at the end", b.in.used)
		}
	})
}
