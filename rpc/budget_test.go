package rpc

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"

	"capnproto.org/go/capnp/v3"
	rpccp "capnproto.org/go/capnp/v3/std/capnp/rpc"

	"quicnprotochat/rpc/budget"
)

// TestBudgetOfMessages fills a Budget with calls that do not end: a large call
// of another connection waits, unread, and its small ones go on.
func TestBudgetOfMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		svc, running, let := blocked()
		shared := budget.New(14 << 20)
		flood, honest := sharing(t, svc, shared, 1), sharing(t, svc, shared, 2)
		flood.send(deposit(1, make([]byte, 5<<20)))
		honest.send(deposit(1, make([]byte, 64<<10-512)))
		synctest.Wait()
		if n := running.Load(); n != 2 {
			t.Fatalf("%d calls are handled", n)
		}
		sent := false
		go func() {
			honest.send(deposit(2, make([]byte, 5<<20)))
			sent = true
		}()
		synctest.Wait()
		if sent {
			t.Error("a call is read for which there is no memory")
		}
		close(let)
		for r, id := range map[*raw]uint32{flood: 1, honest: 2} {
			if got := r.returned(id); got.Which() != rpccp.Return_Which_results {
				t.Errorf("call %d: got %v", id, reason(got))
			}
		}
		flood.send(deposit(2, make([]byte, 5<<20))) // now that there is memory again
		if got := flood.returned(2); got.Which() != rpccp.Return_Which_results {
			t.Errorf("got %v", reason(got))
		}
	})
}

// sharing connects a peer to a service, by a connection that holds nothing, with a
// Budget.
func sharing(t *testing.T, r *recorder, b *budget.Budget, peer byte) *raw {
	t.Helper()
	left, right := net.Pipe()
	client, _, _ := rawClientOn(t, left, right, r.service(), func(c *ConnConfig) {
		c.Budget, c.Peer = b, Peer{Identity: testID(peer), Proven: true}
	})
	client.send(bootstrap(0))
	return client
}

// TestRoom is a handler that asks for memory: it has what it asked for last until the
// answer is written, or the connection ends.
func TestRoom(t *testing.T) {
	if err := Room(t.Context(), 1<<40); err != nil {
		t.Errorf("without a server: %v", err)
	}
	synctest.Test(t, func(t *testing.T) {
		asking := func(what *recorder, sizes ...int) *recorder {
			what.hook = func(ctx context.Context, _ string, _ ...any) {
				for _, n := range sizes {
					if err := Room(ctx, n); err != nil {
						t.Error(err)
					}
				}
			}
			return what
		}
		shared := budget.New(24 << 20) // of which large answers may take 9, twice what they are
		first := sharing(t, asking(&recorder{inbox: []Envelope{{1, make([]byte, 1<<20)}}}, 3<<20, 1<<20, 2<<20, 2<<20, 1<<20), shared, 1)
		ask := func(peer byte, size int) (granted *bool) {
			granted = new(bool)
			other := sharing(t, asking(new(recorder), size), shared, peer)
			other.send(look(1))
			go func() {
				other.returned(1)
				*granted = true
			}()
			synctest.Wait()
			return granted
		}
		first.send(look(1))
		if !*ask(2, 3<<20) {
			t.Error("an answer of 1 MiB leaves no room for one of 3")
		}
		large := ask(3, 4<<20)
		if *large {
			t.Error("there is room that an unread answer has")
		}
		first.returned(1)
		synctest.Wait()
		if !*large {
			t.Error("there is no room when the answer was read")
		}
		first.send(look(2))
		synctest.Wait()
		if large = ask(4, 4<<20); *large {
			t.Error("there is room that a second unread answer has")
		}
		first.rwc.Close()
		synctest.Wait()
		if !*large {
			t.Error("there is no room when the connection has ended")
		}
	})
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
