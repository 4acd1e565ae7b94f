package deposit

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"quicnprotochat/rpc"
	"quicnprotochat/transport"
)

// counter is a relay that counts calls, and keeps nothing for who is full.
type counter struct {
	mu             sync.Mutex
	single, shared int
	got            map[rpc.Identity]int
	full           rpc.Identity
	slow           time.Duration
	err            error
}

func (c *counter) Enqueue(ctx context.Context, to rpc.Identity, _ rpc.Channel, _ []byte) (uint64, error) {
	seqs, err := c.take(ctx, []rpc.Identity{to}, &c.single)
	if err != nil {
		return 0, err
	}
	return seqs[0], nil
}

func (c *counter) BatchEnqueue(ctx context.Context, to []rpc.Identity, _ rpc.Channel, _ []byte) ([]uint64, error) {
	return c.take(ctx, to, &c.shared)
}

func (c *counter) take(ctx context.Context, to []rpc.Identity, n *int) ([]uint64, error) {
	select {
	case <-time.After(c.slow):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	*n++
	seqs := make([]uint64, len(to))
	for i, id := range to {
		if c.got == nil {
			c.got = make(map[rpc.Identity]int)
		}
		if id != c.full {
			c.got[id]++
			seqs[i] = 1
		}
	}
	return seqs, c.err
}

func leaveAll(ctx context.Context, d *Desk, r Relay, n int) []error {
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { errs[i] = d.Leave(ctx, transport.Key{1}, r, rpc.Identity{byte(i + 1)}, []byte("payload")) })
	}
	wg.Wait()
	return errs
}

func TestOneCallForMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d Desk
		c := &counter{full: rpc.Identity{3}}
		for i, err := range leaveAll(t.Context(), &d, c, 9) {
			if want := i == 2; errors.Is(err, ErrFull) != want || err != nil && !want {
				t.Errorf("%d: got %v, want full %v", i+1, err, want)
			}
		}
		if c.shared != 1 || c.single != 0 || len(c.got) != 8 {
			t.Errorf("%d batches and %d others for %d people, want one batch for 8", c.shared, c.single, len(c.got))
		}
		if err := d.Leave(t.Context(), transport.Key{1}, c, rpc.Identity{1}, []byte("payload")); err != nil || c.single != 1 {
			t.Errorf("alone: %v, %d calls", err, c.single)
		}
		if len(d.open) != 0 {
			t.Errorf("%d batches are left", len(d.open))
		}
	})
}

// TestFirstGivesUp: the one whose call it is goes away, the others' payloads come there
// all the same.
func TestFirstGivesUp(t *testing.T) {
	for _, wait := range []time.Duration{Gather / 2, 2 * Gather} { // before the call, in the call
		synctest.Test(t, func(t *testing.T) {
			var d Desk
			c := &counter{slow: 3 * Gather}
			ctx, cancel := context.WithTimeout(t.Context(), wait)
			defer cancel()
			var wg sync.WaitGroup
			wg.Go(func() {
				if err := d.Leave(ctx, transport.Key{1}, c, rpc.Identity{77}, []byte("payload")); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("the first: got %v", err)
				}
			})
			synctest.Wait()
			for i, err := range leaveAll(t.Context(), &d, c, 3) {
				if err != nil {
					t.Errorf("%d: %v", i, err)
				}
			}
			wg.Wait()
			if c.shared != 1 || len(c.got) != 3 {
				t.Errorf("%d batches for %d people, want 1 for 3", c.shared, len(c.got))
			}
		})
	}
}

func TestErrorIsEverybodys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d Desk
		for i, err := range leaveAll(t.Context(), &d, &counter{err: rpc.ErrBusy}, 3) {
			if !errors.Is(err, rpc.ErrBusy) {
				t.Errorf("%d: got %v, want busy", i, err)
			}
		}
	})
}
