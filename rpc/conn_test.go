package rpc

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"quicnprotochat/rpc/order"
)

func TestPanics(t *testing.T) {
	log := new(lockedBuffer)
	r := &recorder{hook: func(_ context.Context, method string, _ ...any) {
		if method != "health" {
			panic("at the " + method)
		}
	}}
	_, client := serve(t, r.service(), func(s, _ *ConnConfig) { s.Log = log.logger() })
	for _, m := range everyMethod(t.Context(), client.Client()) {
		if _, err := m.call(); m.name != "health" && (!errors.Is(err, ErrInternal) || strings.Contains(err.Error(), "at the")) {
			t.Errorf("%s: got %v", m.name, err)
		}
	}
	if !strings.Contains(log.String(), "at the enqueue") || !strings.Contains(log.String(), "conn_test.go") {
		t.Errorf("panic and stack are not logged: %s", log)
	}
	// A result that can't be written, as handlers of another length make it.
	svc := r.service()
	svc.Depositor = badDepositor{}
	_, client = serve(t, svc, nil)
	if _, err := client.Client().BatchEnqueue(t.Context(), []Identity{testID(1)}, Channel{}, []byte("x")); !errors.Is(err, ErrInternal) {
		t.Errorf("got %v", err)
	}
	if status, err := client.Client().Health(t.Context()); err != nil || status != "ok" {
		t.Errorf("after panics: %q, %v", status, err)
	}
}

type badDepositor struct{ Depositor }

func (badDepositor) BatchEnqueue(context.Context, Caller, []Identity, Channel, []byte) ([]uint64, error) {
	return []uint64{1, 2, 3}, nil
}

func waitFor(t testing.TB, ok func() bool) {
	t.Helper()
	for range 10_000 {
		if ok() {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatal("condition is never true")
}

func TestCancel(t *testing.T) {
	started, stopped := make(chan struct{}), make(chan error, 1)
	r := &recorder{}
	r.hook = func(ctx context.Context, method string, _ ...any) {
		if method == "peek" {
			close(started)
			<-ctx.Done()
			stopped <- ctx.Err()
		}
	}
	server, client := serve(t, r.service(), nil)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-started
		cancel()
	}()
	if _, err := client.Client().Peek(ctx, testID(1), Channel{}, 0, 0, time.Minute); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if err := <-stopped; !errors.Is(err, context.Canceled) {
		t.Errorf("handler got %v", err)
	}
	if _, err := client.Client().Health(t.Context()); err != nil {
		t.Errorf("after a cancel: %v", err)
	}
	if _, err := client.Client().Health(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("with a cancelled context: %v", err)
	}
	// Nothing stays in flight.
	free, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	for i := range DefaultMaxInFlight / 2 {
		done, err := client.client.turns.Await(free, 0, false)
		if err != nil {
			t.Fatalf("turn %d: %v", i, err)
		}
		defer done()
	}
	waitFor(t, func() bool { return server.gate.Unfinished() == 2 }) // bootstrap, and the last call, see TestFinishWaits
}

// TestFinishWaits: word that an answer was read goes with the next call, in one write
// with it, and if no call follows only a little of it is held back.
func TestFinishWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := net.Pipe()
		counted := &countedWrites{ReadWriteCloser: b}
		server, client := serveOn(t, a, counted, new(recorder).service(), nil)
		call := func() {
			if _, err := client.Client().Health(t.Context()); err != nil {
				t.Error(err)
			}
		}
		call()
		before := counted.n.Load()
		for range 10 {
			time.Sleep(time.Second)
			call()
		}
		time.Sleep(time.Second)
		if n := counted.n.Load() - before; n != 10 {
			t.Errorf("10 calls took %d writes", n)
		}
		if open := server.gate.Unfinished(); open != 2 {
			t.Errorf("%d open, want the bootstrap and the last call", open)
		}
		var wg sync.WaitGroup
		for range 30 {
			wg.Go(call)
		}
		wg.Wait()
		time.Sleep(time.Second)
		if open := server.gate.Unfinished(); open > 10 {
			t.Errorf("%d open after 30 calls at once", open)
		}
	})
}

// countedWrites counts the calls of Write.
type countedWrites struct {
	io.ReadWriteCloser
	n atomic.Int32
}

func (c *countedWrites) Write(b []byte) (int, error) {
	c.n.Add(1)
	return c.ReadWriteCloser.Write(b)
}

// TestCancelStalled gives up calls while the other side reads nothing.
func TestCancelStalled(t *testing.T) {
	a, b := net.Pipe()
	defer b.Close()
	client := NewConn(a, ConnConfig{})
	for range 3 {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		if _, err := client.Client().Enqueue(ctx, testID(2), Channel{}, []byte("x")); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		cancel()
	}
	client.Close()
}

// TestBothWays calls in both directions on one stream at once.
func TestBothWays(t *testing.T) {
	a, b := unixPair(t)
	ra, rb := &recorder{inbox: testInbox}, &recorder{inbox: testInbox}
	left, right := serveOn(t, a, b, ra.service(), func(_, c *ConnConfig) {
		c.Service, c.Peer = rb.service(), Peer{Identity: testID(2), Proven: true}
	})
	var wg sync.WaitGroup
	for _, c := range []*Client{left.Client(), right.Client()} {
		for i := range 8 {
			wg.Go(func() {
				payload := bytes.Repeat([]byte{byte(i)}, 1<<(2*i))
				for range 100 {
					if seq, err := c.Enqueue(context.Background(), testID(2), Channel{}, payload); err != nil || seq != 7 {
						t.Error(seq, err)
					}
					if l, err := c.Peek(context.Background(), testID(1), Channel{}, 0, 0, 0); err != nil || len(l) != 2 {
						t.Error(l, err)
					}
				}
			})
		}
	}
	wg.Wait()
}

func TestPayloadOutlivesCall(t *testing.T) {
	var kept [][]byte
	var mu sync.Mutex
	r := &recorder{hook: func(_ context.Context, _ string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		kept = append(kept, args[2].([]byte))
	}}
	_, client := serve(t, r.service(), nil)
	for i := range 100 {
		if _, err := client.Client().Enqueue(t.Context(), testID(2), Channel{}, bytes.Repeat([]byte{byte(i)}, 2000)); err != nil {
			t.Fatal(err)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	for i, b := range kept {
		if !bytes.Equal(b, bytes.Repeat([]byte{byte(i)}, 2000)) {
			t.Fatalf("payload %d has changed", i)
		}
	}
}

func TestClose(t *testing.T) {
	svc, running, _ := blocked()
	server, client := serve(t, svc.service(), nil)
	if err := client.Err(); err != nil {
		t.Errorf("open: %v", err)
	}
	result := make(chan error, 1)
	go func() {
		_, err := client.Client().Enqueue(context.Background(), testID(2), Channel{}, []byte("x"))
		result <- err
	}()
	waitFor(t, func() bool { return running.Load() == 1 })
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if err := server.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if err := <-result; !errors.Is(err, ErrDisconnected) {
		t.Errorf("call in flight: got %v", err)
	}
	<-server.Done()
	<-client.Done()
	if err := server.Err(); !errors.Is(err, ErrClosed) {
		t.Errorf("this side: %v", err)
	}
	if err := client.Err(); !errors.Is(err, ErrDisconnected) || !errors.Is(err, io.EOF) {
		t.Errorf("other side: %v", err)
	}
	for _, m := range everyMethod(t.Context(), client.Client()) {
		if _, err := m.call(); !errors.Is(err, ErrDisconnected) {
			t.Errorf("%s after the end: %v", m.name, err)
		}
	}
	for _, m := range everyMethod(t.Context(), server.Client()) {
		if _, err := m.call(); !errors.Is(err, ErrDisconnected) {
			t.Errorf("%s after Close: %v", m.name, err)
		}
	}
}

// TestCutStream ends the stream under calls in flight, at any moment.
func TestCutStream(t *testing.T) {
	for i := range 50 {
		a, b := net.Pipe()
		server := NewConn(a, ConnConfig{Service: new(recorder).service(), Peer: Peer{Identity: testID(1), Proven: true}})
		client := NewConn(b, ConnConfig{})
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for {
					_, err := client.Client().Enqueue(context.Background(), testID(2), Channel{}, []byte("x"))
					if err != nil {
						if !errors.Is(err, ErrDisconnected) {
							t.Errorf("got %v", err)
						}
						return
					}
				}
			})
		}
		time.Sleep(time.Duration(i) * 100 * time.Microsecond)
		a.Close()
		wg.Wait()
		<-server.Done()
		<-client.Done()
		server.Close()
		client.Close()
	}
}

// TestVirtualTime runs a long wait, a stall and an end in a bubble: no
// goroutine is left, and nothing needs real time.
func TestVirtualTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := net.Pipe()
		r := &recorder{hook: func(ctx context.Context, method string, args ...any) {
			if method == "peek" {
				select {
				case <-time.After(args[4].(time.Duration)):
				case <-ctx.Done():
				}
			}
		}}
		server := NewConn(a, ConnConfig{Service: r.service(), Peer: Peer{Identity: testID(1), Proven: true}})
		client := NewConn(b, ConnConfig{})
		start := time.Now()
		if _, err := client.Client().Peek(t.Context(), testID(1), Channel{}, 0, 0, time.Hour); err != nil {
			t.Error(err)
		}
		if d := time.Since(start); d != MaxWait {
			t.Errorf("waited %v", d)
		}
		time.Sleep(24 * time.Hour) // an idle connection stays
		if _, err := client.Client().Health(t.Context()); err != nil {
			t.Error(err)
		}
		client.Close()
		<-server.Done()
	})
}

func TestPlacedElsewhere(t *testing.T) {
	order.Placed(context.Background()) // does nothing
	order.Placed(t.Context())
}
