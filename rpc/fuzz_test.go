package rpc

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"capnproto.org/go/capnp/v3"
	rpccp "capnproto.org/go/capnp/v3/std/capnp/rpc"
)

// tee remembers what is written.
type tee struct {
	io.ReadWriteCloser
	mu  sync.Mutex
	log bytes.Buffer
}

func (t *tee) Write(b []byte) (int, error) {
	t.mu.Lock()
	t.log.Write(b)
	t.mu.Unlock()
	return t.ReadWriteCloser.Write(b)
}

func (t *tee) written() []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	return bytes.Clone(t.log.Bytes())
}

// sessions returns what both sides write, for each method and for all.
func sessions(t testing.TB) (client, server [][]byte) {
	record := func(pick int) {
		a, b := net.Pipe()
		s, c := &tee{ReadWriteCloser: a}, &tee{ReadWriteCloser: b}
		r := &recorder{inbox: testInbox}
		sc := NewConn(s, ConnConfig{Service: r.service(), Peer: Peer{Identity: testID(1), Proven: true}})
		cc := NewConn(c, ConnConfig{})
		for i, m := range everyMethod(context.Background(), cc.Client()) {
			if pick < 0 || pick == i {
				if _, err := m.call(); err != nil {
					t.Fatal(err)
				}
			}
		}
		client, server = append(client, c.written()), append(server, s.written())
		cc.Close()
		sc.Close()
	}
	for i := range everyMethod(context.Background(), nil) {
		record(i)
	}
	record(-1)
	return client, server
}

// script is a stream that reads from a script, once the other side has written
// enough, and takes all writes.
type script struct {
	in    *bytes.Reader
	after int // writes before the first read
	mu    sync.Mutex
	wrote int
	ready chan struct{}
	done  chan struct{}
	once  sync.Once
}

func newScript(b []byte, after int) *script {
	s := &script{in: bytes.NewReader(b), after: after, ready: make(chan struct{}), done: make(chan struct{})}
	if after == 0 {
		close(s.ready)
	}
	return s
}

func (s *script) Read(b []byte) (int, error) {
	select {
	case <-s.ready:
		return s.in.Read(b)
	case <-s.done:
		return 0, net.ErrClosed
	}
}

func (s *script) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.wrote++; s.wrote == s.after {
		close(s.ready)
	}
	select {
	case <-s.done:
		return 0, net.ErrClosed
	default:
		return len(b), nil
	}
}

func (s *script) Close() error {
	s.once.Do(func() { close(s.done) })
	return nil
}

func fuzzEnd(t *testing.T, c *Conn) {
	select {
	case <-c.Done():
	case <-time.After(10 * time.Second):
		t.Fatal("connection goes on")
	}
	if c.Err() == nil {
		t.Fatal("ended without a reason")
	}
	c.Close()
}

// FuzzServer reads bytes as what a caller sends: whatever they are, the
// connection ends with a reason.
func FuzzServer(f *testing.F) {
	client, _ := sessions(f)
	for _, b := range client {
		f.Add(b)
	}
	r := &recorder{inbox: testInbox}
	f.Fuzz(func(t *testing.T, b []byte) {
		fuzzEnd(t, NewConn(newScript(b, 0), ConnConfig{
			Service: r.service(), Peer: Peer{Identity: testID(1), Proven: true}, MaxMessage: 1 << 16, MaxInFlight: 4,
		}))
	})
}

// FuzzClient reads bytes as the answers to bootstrap and one call, made with
// the method that the first byte picks.
func FuzzClient(f *testing.F) {
	_, server := sessions(f)
	for i, b := range server {
		f.Add(byte(i), b)
	}
	f.Fuzz(func(t *testing.T, pick byte, b []byte) {
		c := NewConn(newScript(b, 2), ConnConfig{MaxMessage: 1 << 16})
		all := everyMethod(context.Background(), c.Client())
		_, err := all[int(pick)%len(all)].call()
		var e *Error
		if err != nil && !errors.Is(err, ErrDisconnected) && !errors.Is(err, ErrBadAnswer) && !errors.As(err, &e) {
			t.Errorf("got %v", err)
		}
		fuzzEnd(t, c)
	})
}

// FuzzCall calls each method with arguments that are any Cap'n Proto message:
// every call is answered, and the connection goes on.
func FuzzCall(f *testing.F) {
	client, _ := sessions(f)
	for i, b := range client {
		f.Add(uint16(i), argsOf(b))
	}
	r := &recorder{inbox: testInbox}
	f.Fuzz(func(t *testing.T, method uint16, args []byte) {
		m, err := capnp.Unmarshal(args)
		if err != nil || len(args) > 1<<15 {
			return
		}
		root, err := m.Root()
		if err != nil {
			return
		}
		raw, server, _ := rawClient(t, r.service(), nil)
		defer server.Close()
		raw.send(bootstrap(0))
		var refused error
		msg := call(1, method, capnp.ObjectSize{}, nil, func(c rpccp.Call) error {
			p, err := c.Params()
			if err == nil {
				refused = p.SetContent(root)
			}
			return err
		})
		b, err := tryEncode(msg)
		if err != nil || refused != nil {
			return // it cannot be copied
		}
		if _, err := raw.rwc.Write(b); err != nil {
			t.Fatal(err)
		}
		if got := raw.returned(1); got.Which() == rpccp.Return_Which_exception && !strings.HasPrefix(reason(got), "E0") {
			t.Errorf("method %d: got %q", method, reason(got))
		}
		if err := server.Err(); err != nil {
			t.Errorf("method %d: %v", method, err)
		}
	})
}

func tryEncode(build func(rpccp.Message) error) ([]byte, error) {
	m, seg := capnp.NewSingleSegmentMessage(nil)
	msg, err := rpccp.NewRootMessage(seg)
	if err == nil {
		err = build(msg)
	}
	if err != nil {
		return nil, err
	}
	return m.Marshal()
}

// argsOf returns the arguments of the last call in a session, as a message.
func argsOf(session []byte) (args []byte) {
	dec := capnp.NewDecoder(bytes.NewReader(session))
	for {
		m, err := dec.Decode()
		if err != nil {
			return args
		}
		root, err := rpccp.ReadRootMessage(m)
		if err != nil || root.Which() != rpccp.Message_Which_call {
			continue
		}
		c, err := root.Call()
		if err != nil {
			continue
		}
		p, err := c.Params()
		if err != nil {
			continue
		}
		content, err := p.Content()
		if err != nil {
			continue
		}
		out, _ := capnp.NewSingleSegmentMessage(nil)
		if out.SetRoot(content) == nil {
			args, _ = out.Marshal()
		}
	}
}
