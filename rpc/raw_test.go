package rpc

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"capnproto.org/go/capnp/v3"
	rpccp "capnproto.org/go/capnp/v3/std/capnp/rpc"

	"quicnprotochat/rpc/gate"
	"quicnprotochat/schema"
)

// raw speaks the RPC protocol by hand, and badly if need be.
type raw struct {
	t   testing.TB
	rwc io.ReadWriteCloser
	dec *capnp.Decoder
}

func newRaw(t testing.TB, rwc io.ReadWriteCloser) *raw {
	t.Cleanup(func() { rwc.Close() })
	return &raw{t: t, rwc: rwc, dec: capnp.NewDecoder(rwc)}
}

func encode(t testing.TB, build func(rpccp.Message) error) []byte {
	t.Helper()
	m, seg := capnp.NewSingleSegmentMessage(nil)
	msg, err := rpccp.NewRootMessage(seg)
	if err != nil {
		t.Fatal(err)
	}
	if err := build(msg); err != nil {
		t.Fatal(err)
	}
	b, err := m.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// send returns the error of the write: the other side may have hung up.
func (r *raw) send(build func(rpccp.Message) error) error {
	r.t.Helper()
	_, err := r.rwc.Write(encode(r.t, build))
	return err
}

func (r *raw) recv() rpccp.Message {
	r.t.Helper()
	m, err := r.dec.Decode()
	if err != nil {
		r.t.Fatal(err)
	}
	msg, err := rpccp.ReadRootMessage(m)
	if err != nil {
		r.t.Fatal(err)
	}
	return msg
}

// returned reads up to the return for question id.
func (r *raw) returned(id uint32) rpccp.Return {
	r.t.Helper()
	for {
		if m := r.recv(); m.Which() == rpccp.Message_Which_return {
			ret, err := m.Return()
			if err != nil {
				r.t.Fatal(err)
			}
			if ret.AnswerId() == id {
				return ret
			}
		}
	}
}

// reason is the text of a return that holds an exception.
func reason(ret rpccp.Return) string {
	e, err := ret.Exception()
	if err != nil {
		return err.Error()
	}
	s, _ := e.Reason()
	return s
}

func bootstrap(id uint32) func(rpccp.Message) error {
	return func(m rpccp.Message) error {
		b, err := m.NewBootstrap()
		b.SetQuestionId(id)
		return err
	}
}

func finish(id uint32) func(rpccp.Message) error {
	return func(m rpccp.Message) error {
		f, err := m.NewFinish()
		f.SetQuestionId(id)
		return err
	}
}

// call builds a call on the answer to question 0.
func call(id uint32, method uint16, size capnp.ObjectSize, place func(capnp.Struct) error, change ...func(rpccp.Call) error) func(rpccp.Message) error {
	return func(m rpccp.Message) error {
		c, err := m.NewCall()
		if err != nil {
			return err
		}
		c.SetQuestionId(id)
		c.SetInterfaceId(schema.NodeService_TypeID)
		c.SetMethodId(method)
		c.SendResultsTo().SetCaller()
		t, err := c.NewTarget()
		if err != nil {
			return err
		}
		if _, err := t.NewPromisedAnswer(); err != nil {
			return err
		}
		p, err := c.NewParams()
		if err != nil {
			return err
		}
		st, err := capnp.NewStruct(p.Segment(), size)
		if err != nil {
			return err
		}
		if place != nil {
			if err := place(st); err != nil {
				return err
			}
		}
		for _, f := range change {
			if err := f(c); err != nil {
				return err
			}
		}
		return p.SetContent(st.ToPtr())
	}
}

func health(id uint32, change ...func(rpccp.Call) error) func(rpccp.Message) error {
	return call(id, 5, capnp.ObjectSize{}, nil, change...)
}

// deposit builds an enqueue.
func deposit(id uint32, payload []byte) func(rpccp.Message) error {
	return call(id, 2, capnp.ObjectSize{DataSize: 8, PointerCount: 4}, func(st capnp.Struct) error {
		p, to := schema.NodeService_enqueue_Params(st), testID(2)
		p.SetVersion(1)
		auth, err := p.NewAuth()
		auth.SetVersion(1)
		return firstError(err, p.SetRecipientKey(to[:]), p.SetPayload(payload), auth.SetAccessToken(token(TokenTLS)))
	})
}

// look builds a peek of testID(1).
func look(id uint32) func(rpccp.Message) error {
	return call(id, 14, capnp.ObjectSize{DataSize: 8, PointerCount: 3}, func(st capnp.Struct) error {
		p, me := schema.NodeService_peek_Params(st), testID(1)
		p.SetVersion(1)
		auth, err := p.NewAuth()
		auth.SetVersion(1)
		return firstError(err, p.SetRecipientKey(me[:]), auth.SetAccessToken(token(TokenTLS)))
	})
}

// rawClient connects a raw caller to a server.
func rawClient(t testing.TB, svc *Service, change func(*ConnConfig)) (*raw, *Conn, *lockedBuffer) {
	t.Helper()
	a, b := unixPair(t)
	return rawClientOn(t, a, b, svc, change)
}

func rawClientOn(t testing.TB, a, b net.Conn, svc *Service, change func(*ConnConfig)) (*raw, *Conn, *lockedBuffer) {
	t.Helper()
	log := new(lockedBuffer)
	cfg := ConnConfig{Service: svc, Peer: Peer{Identity: testID(1), Proven: true}, Log: log.logger()}
	if change != nil {
		change(&cfg)
	}
	server := NewConn(a, cfg)
	t.Cleanup(func() { server.Close() })
	return newRaw(t, b), server, log
}

// ended waits for the end of a connection, and checks that the reason is
// returned and logged.
func ended(t testing.TB, c *Conn, log *lockedBuffer, want string) {
	t.Helper()
	select {
	case <-c.Done():
	case <-time.After(20 * time.Second):
		t.Fatal("connection goes on")
	}
	if err := c.Err(); !errors.Is(err, ErrDisconnected) || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
	if log != nil && !strings.Contains(log.String(), want) {
		t.Errorf("log has no %q: %s", want, log)
	}
}

// allocated is how many bytes f allocates, in all goroutines.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func TestClaimOf60MiB(t *testing.T) {
	r, server, log := rawClient(t, new(recorder).service(), nil)
	n := allocated(func() {
		r.rwc.Write([]byte{0, 0, 0, 0, 0, 0, 60 << 20 >> 19, 0}) // 60 MiB in words
		ended(t, server, log, "message of 62914568 bytes, limit 6291456")
	})
	if n > 256<<10 {
		t.Errorf("a claim of 60 MiB allocated %d bytes", n)
	}
}

// TestClaimWithoutBytes claims what is allowed, and then sends nothing.
func TestClaimWithoutBytes(t *testing.T) {
	r, server, log := rawClient(t, new(recorder).service(), func(c *ConnConfig) { c.stall = 50 * time.Millisecond })
	n := allocated(func() {
		r.rwc.Write([]byte{0, 0, 0, 0, 0, 0, 5 << 20 >> 19, 0})
		ended(t, server, log, gate.ErrStalled.Error())
	})
	if n > 512<<10 {
		t.Errorf("a claim of 5 MiB allocated %d bytes", n)
	}
}

func TestGarbage(t *testing.T) {
	random := make([]byte, 1<<16)
	rng := rand.NewChaCha8([32]byte{1})
	rng.Read(random)
	whole := encode(t, bootstrap(0))
	tests := []struct {
		name string
		b    []byte
		want string
	}{
		{"http", []byte("GET / HTTP/1.1\r\nHost: example.org\r\n\r\n"), "segments, limit 512"},
		{"random", random, "segments"},
		{"zeros", make([]byte, 4096), "message"},
		{"too many segments", []byte{0, 2, 0, 0, 0, 0, 0, 0}, "message of 513 segments"},
		{"most segments of the largest size", append([]byte{255, 1, 0, 0}, bytes.Repeat([]byte{255}, 2052)...), "limit 6291456"},
		{"end in the header", whole[:5], "read header: unexpected EOF"},
		{"end in the message", whole[:len(whole)-1], "read message: unexpected EOF"},
		{"root points nowhere", []byte{0, 0, 0, 0, 1, 0, 0, 0, 0xfc, 0xff, 0, 0, 9, 0, 9, 0}, "read message"},
		{"nothing", nil, "EOF"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, server, log := rawClient(t, new(recorder).service(), nil)
			r.rwc.Write(tt.b)
			r.rwc.(*net.UnixConn).CloseWrite()
			ended(t, server, log, tt.want)
		})
	}
}

func TestHalfOpen(t *testing.T) {
	r, server, log := rawClient(t, new(recorder).service(), func(c *ConnConfig) { c.stall = 50 * time.Millisecond })
	r.rwc.Write(encode(t, bootstrap(0))[:12])
	ended(t, server, log, gate.ErrStalled.Error())
}

// TestOutsideProtocol sends what is part of Cap'n Proto RPC, but not of
// NodeService, or out of turn.
func TestOutsideProtocol(t *testing.T) {
	promised := func(f func(rpccp.PromisedAnswer) error) func(rpccp.Call) error {
		return func(c rpccp.Call) error {
			target, err := c.Target()
			if err != nil {
				return err
			}
			p, err := target.PromisedAnswer()
			return firstError(err, f(p))
		}
	}
	tests := []struct {
		name string
		send []func(rpccp.Message) error
		want string
	}{
		{"disembargo", []func(rpccp.Message) error{func(m rpccp.Message) error { _, err := m.NewDisembargo(); return err }}, "not part of NodeService"},
		{"resolve", []func(rpccp.Message) error{func(m rpccp.Message) error { _, err := m.NewResolve(); return err }}, "not part of NodeService"},
		{"provide", []func(rpccp.Message) error{func(m rpccp.Message) error { _, err := m.NewProvide(); return err }}, "not part of NodeService"},
		{"accept", []func(rpccp.Message) error{func(m rpccp.Message) error { _, err := m.NewAccept(); return err }}, "not part of NodeService"},
		{"join", []func(rpccp.Message) error{func(m rpccp.Message) error { _, err := m.NewJoin(); return err }}, "not part of NodeService"},
		{"call with a capability", []func(rpccp.Message) error{bootstrap(0), health(1, func(c rpccp.Call) error {
			p, err := c.Params()
			if err != nil {
				return err
			}
			_, err = p.NewCapTable(1)
			return err
		})}, "call with capabilities"},
		{"results to yourself", []func(rpccp.Message) error{bootstrap(0), health(1, func(c rpccp.Call) error {
			c.SendResultsTo().SetYourself()
			return nil
		})}, "results for somebody else"},
		{"call on nothing", []func(rpccp.Message) error{health(1)}, "call on an answer other than bootstrap"},
		{"call on an answer", []func(rpccp.Message) error{bootstrap(0), health(1), health(2, promised(func(p rpccp.PromisedAnswer) error {
			p.SetQuestionId(1)
			return nil
		}))}, "call on an answer other than bootstrap"},
		{"call on a field", []func(rpccp.Message) error{bootstrap(0), health(1, promised(func(p rpccp.PromisedAnswer) error {
			_, err := p.NewTransform(1)
			return err
		}))}, "call on an answer other than bootstrap"},
		{"call on finished bootstrap", []func(rpccp.Message) error{bootstrap(0), finish(0), health(1)}, "call on an answer other than bootstrap"},
		{"call on an unknown capability", []func(rpccp.Message) error{bootstrap(0), health(1, func(c rpccp.Call) error {
			target, err := c.Target()
			target.SetImportedCap(99)
			return err
		})}, "unknown export ID"},
		{"question twice", []func(rpccp.Message) error{bootstrap(0), bootstrap(0)}, "question 0 asked twice"},
		{"finish of nothing", []func(rpccp.Message) error{finish(3)}, "finish of question 3"},
		{"return of nothing", []func(rpccp.Message) error{func(m rpccp.Message) error { _, err := m.NewReturn(); return err }}, "return for question 0"},
		{"release of nothing", []func(rpccp.Message) error{func(m rpccp.Message) error {
			rel, err := m.NewRelease()
			rel.SetId(77)
			return err
		}}, "unknown export ID"},
		{"abort", []func(rpccp.Message) error{func(m rpccp.Message) error {
			e, err := m.NewAbort()
			return firstError(err, e.SetReason("had\x1b enough"))
		}}, "other side aborted: had enough"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, server, log := rawClient(t, new(recorder).service(), nil)
			go io.Copy(io.Discard, r.rwc)
			for _, m := range tt.send {
				r.send(m)
			}
			ended(t, server, log, tt.want)
		})
	}
}

// TestForeignHabits is what other programs do and may do.
func TestForeignHabits(t *testing.T) {
	r, _, _ := rawClient(t, new(recorder).service(), nil)
	// Unimplemented is ignored.
	r.send(func(m rpccp.Message) error { _, err := m.NewUnimplemented(); return err })
	// Two bootstraps, calls on the capability instead of the promise.
	r.send(bootstrap(0))
	r.send(bootstrap(1))
	ret := r.returned(1)
	res, err := ret.Results()
	if err != nil {
		t.Fatal(err)
	}
	caps, err := res.CapTable()
	if err != nil || caps.Len() != 1 {
		t.Fatal(caps, err)
	}
	r.send(finish(0))
	for range 3 {
		// The id of a finished question is used again.
		r.send(health(7, func(c rpccp.Call) error {
			target, err := c.Target()
			target.SetImportedCap(caps.At(0).SenderHosted())
			return err
		}))
		if got := r.returned(7).Which(); got != rpccp.Return_Which_results {
			t.Fatalf("got %v", got)
		}
		r.send(finish(7))
	}
}

// TestCallsWithoutReading makes 10,000 calls and reads no answer.
func TestCallsWithoutReading(t *testing.T) {
	svc := new(recorder).service()
	r, server, log := rawClient(t, svc, func(c *ConnConfig) { c.stall = 500 * time.Millisecond })
	n := allocated(func() {
		if err := r.send(bootstrap(0)); err != nil {
			t.Fatal(err)
		}
		for id := range uint32(10_000) {
			if r.send(health(id+1)) != nil {
				break
			}
		}
		ended(t, server, log, gate.ErrStalled.Error())
	})
	open := server.gate.Unfinished()
	// What fits into the buffers of the socket is answered besides.
	if n > 40<<20 || open > 8_000 {
		t.Errorf("10,000 unread answers allocated %d bytes, %d open", n, open)
	}
}

// TestLargeAnswersWithoutReading asks for 6 MB again and again.
func TestLargeAnswersWithoutReading(t *testing.T) {
	svc := &recorder{inbox: []Envelope{{1, make([]byte, MaxPayload)}}}
	r, server, log := rawClient(t, svc.service(), func(c *ConnConfig) { c.stall = 500 * time.Millisecond })
	n := allocated(func() {
		r.send(bootstrap(0))
		for id := range uint32(3000) {
			if r.send(look(id+1)) != nil {
				break
			}
		}
		ended(t, server, log, gate.ErrStalled.Error())
	})
	if max := uint64(DefaultMaxInFlight/8+4) * 2 * MaxPayload; n > max {
		t.Errorf("unread answers allocated %d bytes, want at most %d", n, max)
	}
}

// TestCallsWithoutFinish reads answers, but never says that it is done.
func TestCallsWithoutFinish(t *testing.T) {
	if testing.Short() {
		t.Skip("40,000 calls")
	}
	r, server, log := rawClient(t, new(recorder).service(), nil)
	go io.Copy(io.Discard, r.rwc)
	r.send(bootstrap(0))
	for id := range uint32(40_000) {
		if r.send(health(id+1)) != nil {
			break
		}
	}
	ended(t, server, log, "calls not finished")
}

// rawServer connects a client to a raw answerer, which has got bootstrap and
// one enqueue.
func rawServer(t *testing.T) (*raw, *Conn, *lockedBuffer, <-chan error) {
	t.Helper()
	a, b := unixPair(t)
	log := new(lockedBuffer)
	client := NewConn(a, ConnConfig{Log: log.logger()})
	t.Cleanup(func() { client.Close() })
	result := make(chan error, 1)
	go func() {
		_, err := client.Client().Fetch(context.Background(), testID(1), Channel{}, 0, 0)
		result <- err
	}()
	r := newRaw(t, b)
	if m := r.recv(); m.Which() != rpccp.Message_Which_bootstrap {
		t.Fatalf("got %v first", m.Which())
	}
	if m := r.recv(); m.Which() != rpccp.Message_Which_call {
		t.Fatalf("got %v second", m.Which())
	}
	return r, client, log, result
}

func results(id uint32, caps int32, fill func(rpccp.Payload) error) func(rpccp.Message) error {
	return func(m rpccp.Message) error {
		ret, err := m.NewReturn()
		if err != nil {
			return err
		}
		ret.SetAnswerId(id)
		p, err := ret.NewResults()
		if err != nil {
			return err
		}
		if caps > 0 {
			table, err := p.NewCapTable(caps)
			if err != nil {
				return err
			}
			for i := range table.Len() {
				table.At(i).SetSenderHosted(uint32(i))
			}
		}
		if fill == nil {
			return nil
		}
		return fill(p)
	}
}

func TestHostileAnswers(t *testing.T) {
	exception := func(text string) func(rpccp.Message) error {
		return func(m rpccp.Message) error {
			ret, err := m.NewReturn()
			if err != nil {
				return err
			}
			ret.SetAnswerId(1)
			e, err := ret.NewException()
			return firstError(err, e.SetReason(text))
		}
	}
	tests := []struct {
		name string
		send []func(rpccp.Message) error
		want error
	}{
		{"no results", []func(rpccp.Message) error{results(1, 0, nil)}, nil},
		{"capability", []func(rpccp.Message) error{results(1, 1, nil)}, ErrDisconnected},
		{"two capabilities", []func(rpccp.Message) error{results(0, 2, nil)}, ErrDisconnected},
		{"another question", []func(rpccp.Message) error{results(2, 0, nil)}, ErrDisconnected},
		{"bootstrap twice", []func(rpccp.Message) error{results(0, 1, nil), results(0, 1, nil)}, ErrDisconnected},
		{"envelopes of no size", []func(rpccp.Message) error{results(1, 0, func(p rpccp.Payload) error {
			st, err := capnp.NewStruct(p.Segment(), sizePointer)
			if err != nil {
				return err
			}
			list, err := capnp.NewVoidList(p.Segment(), 1<<28), error(nil)
			return firstError(err, st.SetPtr(0, list.ToPtr()), p.SetContent(st.ToPtr()))
		})}, ErrBadAnswer},
		{"code", []func(rpccp.Message) error{exception("E003: no")}, ErrForbidden},
		{"no code", []func(rpccp.Message) error{exception("no")}, ErrInternal},
		{"strange variant", []func(rpccp.Message) error{func(m rpccp.Message) error {
			ret, err := m.NewReturn()
			ret.SetAnswerId(1)
			ret.SetCanceled()
			return err
		}}, ErrDisconnected},
		{"return that is missing", []func(rpccp.Message) error{func(m rpccp.Message) error {
			return m.SetReturn(rpccp.Return{})
		}}, ErrDisconnected},
		{"results that are missing", []func(rpccp.Message) error{func(m rpccp.Message) error {
			ret, err := m.NewReturn()
			ret.SetAnswerId(1)
			return firstError(err, ret.SetResults(rpccp.Payload{}))
		}}, ErrDisconnected},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, _, _, result := rawServer(t)
			for _, m := range tt.send {
				r.send(m)
			}
			select {
			case err := <-result:
				if !errors.Is(err, tt.want) {
					t.Errorf("got %v, want %v", err, tt.want)
				}
			case <-time.After(10 * time.Second):
				t.Error("no result")
			}
		})
	}
}

// TestEarlyAnswer answers a question before it is completely sent.
func TestEarlyAnswer(t *testing.T) {
	for id, want := range map[uint32]string{0: gate.ErrStalled.Error(), 1: "return for question 1"} {
		a, b := net.Pipe()
		log := new(lockedBuffer)
		client := NewConn(a, ConnConfig{Log: log.logger(), stall: 100 * time.Millisecond})
		result := make(chan error, 1)
		go func() {
			_, err := client.Client().Enqueue(context.Background(), testID(2), Channel{}, make([]byte, MaxPayload))
			result <- err
		}()
		first := make([]byte, 8)
		if _, err := io.ReadFull(b, first); err != nil { // the write of bootstrap has begun
			t.Fatal(err)
		}
		b.Write(encode(t, results(id, 0, nil)))
		ended(t, client, log, want)
		if err := <-result; err == nil {
			t.Error("no error")
		}
		b.Close()
		client.Close()
	}
}
