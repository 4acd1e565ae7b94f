package rpc

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	rpccp "capnproto.org/go/capnp/v3/std/capnp/rpc"

	"quicnprotochat/rpc/order"
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
		order.Placed(ctx)
		order.Placed(context.WithoutCancel(ctx))
	}
	if w.commit != nil {
		<-w.commit
	}
	return seq, nil
}

func TestOrder(t *testing.T) {
	for name, w := range map[string]*writer{
		"placed":             {placed: true, commit: make(chan struct{})},
		"returns":            {},
		"placed and returns": {placed: true},
	} {
		t.Run(name, func(t *testing.T) {
			const n = 120 // below MaxInFlight: all wait for one commit
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

// TestStartEnqueue begins calls in order and awaits them apart.
func TestStartEnqueue(t *testing.T) {
	w := &writer{placed: true}
	_, client := serve(t, &Service{Depositor: w}, nil)
	const n = 2000 // more than may be in flight
	var wg sync.WaitGroup
	for i := range uint32(n) {
		wait := client.Client().StartEnqueue(t.Context(), testID(2), Channel{}, binary.BigEndian.AppendUint32(nil, i))
		wg.Go(func() {
			if seq, err := wait(); err != nil || seq != uint64(i)+1 {
				t.Errorf("call %d: %d, %v", i, seq, err)
			}
		})
	}
	wg.Wait()
	if _, err := client.Client().StartEnqueue(t.Context(), testID(2), Channel{}, make([]byte, MaxPayload+1))(); !errors.Is(err, ErrTooLarge) {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := client.Client().StartEnqueue(ctx, testID(2), Channel{}, []byte("x"))(); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// TestOrderGrace has a handler that neither returns nor calls Placed: it holds
// up the next for order.Grace, and nothing else.
func TestOrderGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := net.Pipe()
		w := &writer{commit: make(chan struct{})}
		server := NewConn(a, ConnConfig{
			Service: &Service{Depositor: w, Health: new(recorder)}, Peer: Peer{Identity: testID(1), Proven: true},
		})
		client := NewConn(b, ConnConfig{})
		var wg sync.WaitGroup
		for i := range uint32(5) {
			wait := client.Client().StartEnqueue(t.Context(), testID(2), Channel{}, binary.BigEndian.AppendUint32(nil, i))
			wg.Go(func() {
				if seq, err := wait(); err != nil || seq != uint64(i)+1 {
					t.Errorf("call %d: %d, %v", i, seq, err)
				}
			})
		}
		for i := range 5 {
			synctest.Wait()
			w.mu.Lock()
			if len(w.order) != i+1 {
				t.Errorf("%d handlers started after %v", len(w.order), time.Duration(i)*order.Grace)
			}
			w.mu.Unlock()
			if _, err := client.Client().Health(t.Context()); err != nil {
				t.Error(err)
			}
			time.Sleep(order.Grace)
		}
		close(w.commit)
		wg.Wait()
		client.Close()
		server.Close()
	})
}
