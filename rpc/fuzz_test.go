package rpc

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"
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
