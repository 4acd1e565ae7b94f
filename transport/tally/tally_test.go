package tally

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// heard is what a Tally said.
type heard struct {
	mu   sync.Mutex
	said []int
}

func (h *heard) say(n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.said = append(h.said, n)
}

func (h *heard) all() []int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.said)
}

// TestTally: the first is told at once, what comes within a minute at its end, and what is
// left at the end of all.
func TestTally(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := new(heard)
		c := New(h.say)
		for _, step := range []struct {
			add  int
			wait time.Duration
			want []int
		}{
			{1, 0, []int{1}},
			{5, Pause - time.Second, []int{1}},
			{0, time.Second, []int{1, 5}},
			{3, Pause, []int{1, 5, 3}},
			{0, 10 * Pause, []int{1, 5, 3}},
			{2, Pause / 2, []int{1, 5, 3, 1}},
		} {
			for range step.add {
				c.Add()
			}
			time.Sleep(step.wait)
			synctest.Wait()
			if got := h.all(); !slices.Equal(got, step.want) {
				t.Errorf("after %d more and %v: got %v, want %v", step.add, step.wait, got, step.want)
			}
		}
		c.Close()
		c.Close()
		time.Sleep(2 * Pause)
		if got, want := h.all(), []int{1, 5, 3, 1, 1}; !slices.Equal(got, want) {
			t.Errorf("at the end: got %v, want %v", got, want)
		}
	})
}

// TestAtOnce adds from many goroutines, the last of them when it is closed: all are told,
// and while it is open once a minute.
func TestAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := new(heard)
		c := New(h.say)
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				for range 100 {
					c.Add()
					time.Sleep(Pause / 50)
				}
			})
		}
		time.Sleep(2*Pause - time.Second)
		c.Close()
		open := len(h.all())
		wg.Wait()
		all := 0
		for _, n := range h.all() {
			all += n
		}
		if all != 1000 || open > 3 {
			t.Errorf("%d are told, in %d words while it was open", all, open)
		}
	})
}
