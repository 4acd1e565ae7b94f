package rpc

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"

	"capnproto.org/go/capnp/v3"
	rpccp "capnproto.org/go/capnp/v3/std/capnp/rpc"

	"quicnprotochat/rpc/budget"
)

// TestBudgetOfMessages fills a Budget with calls that do not end: a large call
// of another connection waits, unread, and its small ones go on.
func TestBudgetOfMessages(t *testing.T) {
	svc, running, let := blocked()
	shared := budget.New(14 << 20)
	from := func(peer byte) func(*ConnConfig) {
		return func(c *ConnConfig) { c.Budget, c.Peer = shared, Peer{Identity: testID(peer), Proven: true} }
	}
	flood, _, _ := rawClient(t, svc.service(), from(1))
	honest, _, _ := rawClient(t, svc.service(), from(2))
	flood.send(bootstrap(0))
	flood.send(deposit(1, make([]byte, 5<<20)))
	waitFor(t, func() bool { return running.Load() == 1 })

	honest.send(bootstrap(0))
	honest.send(deposit(1, make([]byte, 64<<10-512)))
	waitFor(t, func() bool { return running.Load() == 2 })
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		honest.send(deposit(2, make([]byte, 5<<20)))
	}()
	waitFor(t, func() bool { return shared.Waiting() == 1 })
	close(let)
	<-sent
	for _, id := range []uint32{1, 2} {
		if got := honest.returned(id); got.Which() != rpccp.Return_Which_results {
			t.Errorf("call %d: got %v", id, reason(got))
		}
	}
	waitFor(t, func() bool {
		in, _ := shared.Used()
		return in == 0
	})
}

// TestRoom is a handler that asks for memory: it has it until the answer is
// written, or the connection ends.
func TestRoom(t *testing.T) {
	shared := budget.New(24 << 20)
	used := func() int64 {
		_, out := shared.Used()
		return out
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
	raw, _, _ := rawClient(t, r.service(), func(c *ConnConfig) { c.Budget = shared })
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
	raw.send(padded(1, 4, budget.Tiny))
	raw.send(padded(2, 21, budget.Tiny))
	raw.send(padded(3, 14, budget.Tiny))
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

// TestShare gives each stranger a share of their own, by address.
func TestShare(t *testing.T) {
	one := Peer{Identity: testID(1), Proven: true, Remote: "1.2.3.4"}
	if one.share() != budget.Peer(testID(1)) {
		t.Error("a proven key has not its own share")
	}
	claimed := Peer{Identity: testID(1), Remote: "1.2.3.4"}
	other := Peer{Remote: "5.6.7.8"}
	if claimed.share() == one.share() || claimed.share() == other.share() || other.share() != (Peer{Remote: "5.6.7.8"}).share() {
		t.Error("strangers share what they should not")
	}
}
