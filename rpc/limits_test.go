package rpc

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	rpccp "capnproto.org/go/capnp/v3/std/capnp/rpc"

	"quicnprotochat/rpc/order"
)

// blocked is a service whose handlers wait until they are let go.
func blocked() (r *recorder, running *atomic.Int32, let chan struct{}) {
	running, let = new(atomic.Int32), make(chan struct{})
	return &recorder{hook: func(ctx context.Context, method string, _ ...any) {
		if method == "health" {
			return
		}
		order.Placed(ctx)
		running.Add(1)
		select {
		case <-let:
		case <-ctx.Done():
		}
	}}, running, let
}

func TestBusy(t *testing.T) {
	big := make([]byte, MaxPayload)
	tests := []struct {
		name string
		call func(id uint32) func(rpccp.Message) error
		fit  int
	}{
		{"calls", func(id uint32) func(rpccp.Message) error { return deposit(id, []byte("x")) }, 32},
		{"large answers", look, 4},
		{"bytes", func(id uint32) func(rpccp.Message) error { return deposit(id, big) }, 4},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			svc, running, let := blocked()
			r, server, _ := rawClient(t, svc.service(), func(c *ConnConfig) { c.MaxInFlight = 32 })
			r.send(bootstrap(0))
			go func() {
				for id := range uint32(tt.fit + 2) {
					r.send(tt.call(id + 1))
				}
			}()
			for id := tt.fit; id < tt.fit+2; id++ {
				if got := reason(r.returned(uint32(id + 1))); !strings.HasPrefix(got, string(CodeBusy)) {
					t.Errorf("call %d: got %q", id+1, got)
				}
			}
			waitFor(t, func() bool { return running.Load() == int32(tt.fit) })
			close(let)
			for range tt.fit {
				if m := r.recv(); m.Which() != rpccp.Message_Which_return {
					t.Fatalf("got %v", m.Which())
				}
			}
			// All is free again.
			waitFor(t, func() bool {
				r.send(tt.call(1000))
				ret := r.returned(1000)
				r.send(finish(1000))
				return ret.Which() == rpccp.Return_Which_results
			})
			if err := server.Err(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestClientWaitsItsTurn makes more calls than may be in flight: they wait,
// and the other side never has to refuse one.
func TestClientWaitsItsTurn(t *testing.T) {
	tests := []struct {
		name string
		call func(*Client) error
		most int32
	}{
		{"calls", func(c *Client) error {
			_, err := c.Enqueue(context.Background(), testID(2), Channel{}, []byte("x"))
			return err
		}, 16},
		{"large answers", func(c *Client) error {
			_, err := c.Peek(context.Background(), testID(1), Channel{}, 0, 0, 0)
			return err
		}, 2},
		{"bytes", func(c *Client) error {
			_, err := c.Enqueue(context.Background(), testID(2), Channel{}, make([]byte, MaxPayload))
			return err
		}, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			svc, running, let := blocked()
			_, client := serve(t, svc.service(), func(s, c *ConnConfig) { s.MaxInFlight, c.MaxInFlight = 32, 32 })
			var wg sync.WaitGroup
			for range 20 {
				wg.Go(func() {
					if err := tt.call(client.Client()); err != nil {
						t.Error(err)
					}
				})
			}
			waitFor(t, func() bool { return running.Load() == tt.most })
			time.Sleep(20 * time.Millisecond)
			if got := running.Load(); got != tt.most {
				t.Errorf("%d calls in flight, want %d", got, tt.most)
			}
			close(let)
			wg.Wait()
		})
	}
}

func TestClientBounds(t *testing.T) {
	_, client := serve(t, new(recorder).service(), nil)
	c, ctx := client.Client(), t.Context()
	many := slices.Repeat([]Identity{testID(1)}, MaxBatch+1)
	tests := []struct {
		name string
		err  func() error
		want *Error
	}{
		{"payload", func() error { _, err := c.Enqueue(ctx, testID(2), Channel{}, make([]byte, MaxPayload+1)); return err }, ErrTooLarge},
		{"batch payload", func() error {
			_, err := c.BatchEnqueue(ctx, many[:1], Channel{}, make([]byte, MaxPayload+1))
			return err
		}, ErrTooLarge},
		{"batch", func() error { _, err := c.BatchEnqueue(ctx, many, Channel{}, []byte("x")); return err }, ErrBadRequest},
		{"empty batch", func() error { _, err := c.BatchEnqueue(ctx, nil, Channel{}, []byte("x")); return err }, ErrBadRequest},
		{"largest", func() error {
			_, err := c.BatchEnqueue(ctx, many[:MaxBatch], Channel{1}, make([]byte, MaxPayload))
			return err
		}, nil},
		{"keys", func() error { _, err := c.FetchHybridKeys(ctx, many); return err }, ErrBadRequest},
		{"no keys", func() error { _, err := c.FetchHybridKeys(ctx, nil); return err }, ErrBadRequest},
		{"above MaxMessage", func() error { _, err := c.UploadKeyPackage(ctx, testID(1), make([]byte, 7<<20)); return err }, ErrTooLarge},
	}
	for _, tt := range tests {
		if err := tt.err(); !sameError(err, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, err, tt.want)
		}
	}
}

func TestAnswersFit(t *testing.T) {
	mib := func(n int) Envelope { return Envelope{uint64(n), make([]byte, n<<20)} }
	r := &recorder{}
	server, client := serve(t, r.service(), nil)
	tests := []struct {
		name  string
		inbox []Envelope
		want  int
	}{
		{"nothing", nil, 0},
		{"all", []Envelope{mib(1), mib(2)}, 2},
		{"some", []Envelope{mib(1), mib(2), mib(3), mib(4)}, 2},
		{"one", []Envelope{mib(5), mib(5)}, 1},
		{"empty ones", slices.Repeat([]Envelope{{1, nil}}, 1000), 1000},
		{"many", slices.Repeat([]Envelope{{1, make([]byte, 100)}}, 100_000), MaxAnswer / EnvelopeSize(100)},
	}
	for _, tt := range tests {
		r.inbox = tt.inbox
		got, err := client.Client().Peek(t.Context(), testID(1), Channel{}, 0, 0, 0)
		if err != nil || len(got) != tt.want {
			t.Errorf("%s: got %d envelopes, %v, want %d", tt.name, len(got), err, tt.want)
		}
	}
	if err := server.Err(); err != nil {
		t.Error(err)
	}
}

// TestDrainTooMuch is an Inbox that removes more than an answer holds: nothing
// is cut off, since it would be lost, but it is logged.
func TestDrainTooMuch(t *testing.T) {
	log := new(lockedBuffer)
	r := &recorder{inbox: slices.Repeat([]Envelope{{1, make([]byte, 5<<20)}}, 3)}
	_, client := serve(t, r.service(), func(s, c *ConnConfig) {
		s.Log = log.logger()
		c.MaxMessage = 64 << 20
	})
	got, err := client.Client().Fetch(t.Context(), testID(1), Channel{}, 0, 0)
	if err != nil || len(got) != 3 {
		t.Errorf("got %d envelopes, %v", len(got), err)
	}
	if !strings.Contains(log.String(), "drained more than fits") {
		t.Errorf("not logged: %s", log)
	}
}

func TestTooManyKeyBytes(t *testing.T) {
	svc := new(recorder).service()
	svc.Keys = bigKeys{}
	_, client := serve(t, svc, nil)
	ids := slices.Repeat([]Identity{testID(1)}, MaxBatch)
	if _, err := client.Client().FetchHybridKeys(t.Context(), ids); !errors.Is(err, ErrTooLarge) {
		t.Errorf("got %v", err)
	}
	if blobs, err := client.Client().FetchHybridKeys(t.Context(), ids[:50]); err != nil || len(blobs) != 50 {
		t.Errorf("got %d, %v", len(blobs), err)
	}
}

type bigKeys struct{ KeyDirectory }

func (bigKeys) FetchHybridKeys(_ context.Context, _ Caller, owners []Identity) ([][]byte, error) {
	return slices.Repeat([][]byte{make([]byte, maxHybridKey)}, len(owners)), nil
}
