package rpc

import (
	"context"
	"encoding/binary"
	"slices"
	"sync"
	"testing"

	rpccp "capnproto.org/go/capnp/v3/std/capnp/rpc"
)

// writer is a depositor as a relay has one: it decides the order, and then
// waits for a commit.
type writer struct {
	Depositor
	mu     sync.Mutex
	order  []uint32
	commit chan struct{} // closed when the commit is done
	placed bool          // whether it calls Placed
}

func (w *writer) Enqueue(ctx context.Context, _ Caller, _ Identity, _ Channel, payload []byte) (uint64, error) {
	w.mu.Lock()
	w.order = append(w.order, binary.BigEndian.Uint32(payload))
	seq := uint64(len(w.order))
	w.mu.Unlock()
	if w.placed {
		Placed(ctx)
		Placed(context.WithoutCancel(ctx))
	}
	if w.commit != nil {
		<-w.commit
	}
	return seq, nil
}

func TestOrder(t *testing.T) {
	const n = 120 // below MaxInFlight: all wait for one commit
	for name, w := range map[string]*writer{
		"placed":             {placed: true, commit: make(chan struct{})},
		"returns":            {},
		"neither":            {commit: make(chan struct{})},
		"placed and returns": {placed: true},
	} {
		t.Run(name, func(t *testing.T) {
			r, server, _ := rawClient(t, &Service{Depositor: w, Health: new(recorder)}, nil)
			r.send(bootstrap(0))
			for i := range uint32(n) {
				r.send(deposit(i+1, binary.BigEndian.AppendUint32(nil, i)))
			}
			if w.commit != nil {
				// Others do not wait for the commit.
				r.send(health(n + 1))
				r.returned(n + 1)
				waitFor(t, func() bool {
					w.mu.Lock()
					defer w.mu.Unlock()
					return len(w.order) == n
				})
				close(w.commit)
			}
			for range n {
				m := r.recv()
				if m.Which() != rpccp.Message_Which_return {
					t.Fatalf("got %v", m.Which())
				}
			}
			w.mu.Lock()
			defer w.mu.Unlock()
			if !slices.IsSorted(w.order) {
				t.Errorf("handlers started in the order %v", w.order)
			}
			if err := server.Err(); err != nil {
				t.Error(err)
			}
		})
	}
}
