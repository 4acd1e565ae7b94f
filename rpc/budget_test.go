package rpc

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"capnproto.org/go/capnp/v3"
	rpccp "capnproto.org/go/capnp/v3/std/capnp/rpc"
)

// seats are accounts of a Budget and what they were given.
func newTestAccount(b *Budget, peer byte) (a *account, cut *error) {
	cut = new(error)
	return newAccount(b, testID(peer), make(chan struct{}), func(err error) { *cut = err }), cut
}

func take(t *testing.T, a *account, n int64) *seat {
	t.Helper()
	s, err := a.take(t.Context(), &a.budget.in, n)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestBudgetOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(24 << 20) // 12 MiB for what comes in, 9 for large messages
		one, _ := newTestAccount(b, 1)
		two, _ := newTestAccount(b, 2)
		three, _ := newTestAccount(b, 3)
		first := take(t, one, 5<<20) // above a share, but it has nothing yet
		take(t, two, 3<<20)

		var mu sync.Mutex
		var got []string
		wait := func(name string, a *account, n int64) {
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
		wait("tiny", one, tiny)
		if want := []string{"small", "tiny"}; len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
			t.Errorf("got %v, want %v", got, want)
		}
		one.drop(first)
		one.drop(first)
		one.drop(nil)
		synctest.Wait()
		if len(got) != 4 {
			t.Errorf("got %v after there was room", got)
		}
		one.close()
		two.close()
		three.close()
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
		b := NewBudget(16 << 20)
		slow, cut := newTestAccount(b, 1)
		other, _ := newTestAccount(b, 2)
		s := take(t, slow, 6<<20)
		if _, err := other.take(t.Context(), &b.in, 6<<20); !errors.Is(err, errCrowded) || *cut != nil {
			t.Errorf("got %v, cut with %v", err, *cut)
		}
		now := time.Now()
		s.moves(now, time.Time{})
		b.in.evict(now.Add(passTime))
		s.moves(now, now)
		b.in.evict(now.Add(pauseTime))
		if *cut != nil {
			t.Errorf("cut with %v, too early", *cut)
		}
		take(t, other, 6<<20)
		if !errors.Is(*cut, errCrowded) || time.Since(now) > passTime {
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
		b := NewBudget(16 << 20)
		first, _ := newTestAccount(b, 1)
		s := take(t, first, 6<<20)
		var wg sync.WaitGroup
		for i := range byte(maxQueue) {
			a, _ := newTestAccount(b, i)
			wg.Go(func() {
				if _, err := a.take(t.Context(), &b.in, 1<<20); err != nil {
					t.Error(err)
				}
				a.close()
			})
		}
		synctest.Wait()
		late, _ := newTestAccount(b, 2)
		if _, err := late.take(t.Context(), &b.in, 1<<20); !errors.Is(err, errCrowded) || len(b.in.queue) != maxQueue {
			t.Errorf("got %v, %d wait", err, len(b.in.queue))
		}
		late.drop(take(t, late, small))
		first.drop(s)
		wg.Wait()
		if b.in.used != 0 {
			t.Errorf("%d bytes are in use at the end", b.in.used)
		}
	})
}

// TestBudgetOfMessages fills a Budget with calls that do not end: a large call
// of another connection waits, unread, and its small ones go on.
func TestBudgetOfMessages(t *testing.T) {
	svc, running, let := blocked()
	budget := NewBudget(14 << 20)
	shared := func(peer byte) func(*ConnConfig) {
		return func(c *ConnConfig) { c.Budget, c.Peer = budget, Peer{Identity: testID(peer), Proven: true} }
	}
	flood, _, _ := rawClient(t, svc.service(), shared(1))
	honest, _, _ := rawClient(t, svc.service(), shared(2))
	flood.send(bootstrap(0))
	flood.send(deposit(1, make([]byte, 5<<20)))
	waitFor(t, func() bool { return running.Load() == 1 })

	honest.send(bootstrap(0))
	honest.send(deposit(1, make([]byte, small-512)))
	waitFor(t, func() bool { return running.Load() == 2 })
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		honest.send(deposit(2, make([]byte, 5<<20)))
	}()
	waitFor(t, func() bool {
		budget.in.mu.Lock()
		defer budget.in.mu.Unlock()
		return len(budget.in.queue) == 1
	})
	close(let)
	<-sent
	for _, id := range []uint32{1, 2} {
		if got := honest.returned(id); got.Which() != rpccp.Return_Which_results {
			t.Errorf("call %d: got %v", id, reason(got))
		}
	}
	waitFor(t, func() bool {
		budget.in.mu.Lock()
		defer budget.in.mu.Unlock()
		return budget.in.used == 0
	})
}

// TestRoom is a handler that asks for memory: it has it until the answer is
// written, or the connection ends.
func TestRoom(t *testing.T) {
	budget := NewBudget(24 << 20)
	used := func() int64 {
		budget.out.mu.Lock()
		defer budget.out.mu.Unlock()
		return budget.out.used
	}
	var inside int64
	r := &recorder{inbox: []Envelope{{1, make([]byte, 1<<20)}}, hook: func(ctx context.Context, _ string, _ ...any) {
		for _, n := range []int{3 << 20, 1 << 20, 2 << 20, 2 << 20, 1 << 20} {
			if err := Room(ctx, n); err != nil {
				t.Error(err)
			}
		}
		inside = used()
	}}
	raw, _, _ := rawClient(t, r.service(), func(c *ConnConfig) { c.Budget = budget })
	raw.send(bootstrap(0))
	raw.send(look(1))
	waitFor(t, func() bool { return used() == 2<<20 }) // not read yet
	if inside != 2<<20 {
		t.Errorf("%d bytes are in use in the handler", inside)
	}
	raw.returned(1)
	waitFor(t, func() bool { return used() == 0 })
	raw.send(look(2))
	waitFor(t, func() bool { return used() != 0 })
	raw.rwc.Close()
	waitFor(t, func() bool { return used() == 0 })
	if err := Room(t.Context(), 1<<40); err != nil {
		t.Errorf("without a server: %v", err)
	}
}

// TestWaitingCallsAreTiny refuses to keep large arguments for as long as a call
// may wait.
func TestWaitingCallsAreTiny(t *testing.T) {
	raw, _, _ := rawClient(t, new(recorder).service(), nil)
	raw.send(bootstrap(0))
	raw.send(padded(1, 4, tiny))
	raw.send(padded(2, 21, tiny))
	raw.send(padded(3, 14, tiny))
	for _, id := range []uint32{1, 2} {
		if got, want := reason(raw.returned(id)), string(CodeBadRequest)+": arguments too large"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if got := raw.returned(3); reason(got) == string(CodeBadRequest)+": arguments too large" {
		t.Error("peek does not wait")
	}
}

// TestOrdinaryEnd ends connections from the other side: nobody is warned. Bytes
// that break the protocol are another matter.
func TestOrdinaryEnd(t *testing.T) {
	reset := errors.New("stream reset by the other side")
	for _, tt := range []struct {
		name string
		end  error
		text string
		warn bool
	}{
		{"end", io.EOF, "", false},
		{"reset", reset, "", false},
		{"reset within a message", reset, "\x00\x00\x00\x00\x08", false},
		{"end within a message", io.EOF, "\x00\x00\x00\x00\x08", false},
		{"garbage", reset, "\xff\xff\xff\xff\xff\xff\xff\xff", true},
		{"claim", reset, "\x00\x00\x00\x00\x00\x00\x80\x00", true},
	} {
		log := new(lockedBuffer)
		a, b := net.Pipe()
		c := NewConn(&failing{ReadWriteCloser: a, end: tt.end}, ConnConfig{Log: log.logger()})
		go io.Copy(io.Discard, b)
		b.Write([]byte(tt.text))
		b.Close()
		<-c.Done()
		if got := strings.Contains(log.String(), "WARN"); got != tt.warn || !strings.Contains(log.String(), "connection ") {
			t.Errorf("%s: logged %q", tt.name, log)
		}
	}
}

// failing is a stream that ends with an error of its own.
type failing struct {
	io.ReadWriteCloser
	end error
}

func (f *failing) Read(b []byte) (int, error) {
	n, err := f.ReadWriteCloser.Read(b)
	if err != nil {
		err = f.end
	}
	return n, err
}

// padded is a call whose arguments hold n bytes that nothing reads.
func padded(id uint32, method uint16, n int) func(rpccp.Message) error {
	return call(id, method, capnp.ObjectSize{DataSize: 24, PointerCount: 10}, func(st capnp.Struct) error {
		return st.SetData(9, make([]byte, n))
	})
}
