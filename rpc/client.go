package rpc

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"capnproto.org/go/capnp/v3"
	"capnproto.org/go/capnp/v3/exc"

	"quicnprotochat/rpc/flow"
	"quicnprotochat/rpc/gate"
	"quicnprotochat/schema"
)

// Client calls the service at the other end of a Conn. Its methods are those
// of the interfaces of Service, without the Caller. They return an *Error when
// the other side refused, ErrDisconnected when the connection ended,
// ErrBadAnswer when the answer makes no sense, and the error of ctx, which
// also cancels the other side's handler.
//
// A call waits for its turn while too many are in flight (ConnConfig). Calls
// made one after the other start in that order at the other side.
type Client struct {
	conn       *Conn
	token      func() []byte
	maxMessage int
	turns      *flow.Turns

	mu    sync.Mutex // guards the fields below
	svc   schema.NodeService
	asked bool
	ended bool
}

// ErrBadAnswer is an answer that breaks the contract of its method.
var ErrBadAnswer = errors.New("malformed answer")

// service returns the other side's service, asking for it once.
func (c *Client) service() (schema.NodeService, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return schema.NodeService{}, c.lost()
	}
	if !c.asked {
		c.asked = true
		c.svc = c.conn.bootstrap()
	}
	return c.svc, nil
}

// end marks the end of the connection. The service is left to the garbage
// collector: the library's release of it races with calls that just begin.
func (c *Client) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
}

// request is one call.
type request struct {
	size  int  // of the variable part of its arguments, in bytes
	large bool // its answer may be
	send  func(context.Context, schema.NodeService) (*capnp.Future, capnp.ReleaseFunc)
	read  func(capnp.Struct) error
}

// requestSlack is what a call takes besides the variable part of its arguments.
const requestSlack = 4 << 10

// do makes a call and waits for its answer.
func (c *Client) do(ctx context.Context, q request) error { return c.start(ctx, q)() }

// start makes a call; wait, which must be called, waits for its answer.
func (c *Client) start(ctx context.Context, q request) (wait func() error) {
	failed := func(err error) func() error { return func() error { return err } }
	if err := ctx.Err(); err != nil {
		return failed(err)
	}
	if err := c.conn.Err(); err != nil {
		return failed(err)
	}
	size := q.size + requestSlack
	if size > c.maxMessage {
		return failed(ErrTooLarge)
	}
	done, err := c.turns.Await(ctx, int64(size), q.large)
	if err != nil {
		return failed(err)
	}
	svc, err := c.service()
	if err != nil {
		done()
		return failed(err)
	}
	callCtx, cancel := context.WithCancel(ctx)
	future, release := q.send(callCtx, svc)
	end := func() {
		release()
		cancel()
		done()
	}
	return func() error { return c.await(ctx, q, future, end) }
}

// await waits for the answer of a call that was sent.
func (c *Client) await(ctx context.Context, q request, future *capnp.Future, end func()) error {
	select {
	case <-future.Done():
		defer end()
		return c.result(ctx, future, q.read)
	case <-ctx.Done():
		// The library answers when it has told the other side, which may be
		// when that reads again.
		c.later(func() {
			<-future.Done()
			end()
		})
		return ctx.Err()
	}
}

// later runs what is left of a call that was given up; the connection waits
// for it. After the end of the connection there is nothing to wait for.
func (c *Client) later(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		f()
		return
	}
	c.conn.calls.Go(f)
}

// result reads the answer.
func (c *Client) result(ctx context.Context, future *capnp.Future, read func(capnp.Struct) error) error {
	st, err := future.Struct()
	if err != nil {
		return c.callError(ctx, err)
	}
	if read == nil {
		return nil
	}
	if err := read(st); err != nil {
		if errors.Is(err, ErrBadAnswer) {
			return err
		}
		return fmt.Errorf("%w: %w", ErrBadAnswer, err)
	}
	return nil
}

// callError turns what the library returns into what callers branch on.
func (c *Client) callError(ctx context.Context, err error) error {
	// The library wraps the text that arrived into words of its own.
	text := err
	for inner := err; inner != nil; inner = errors.Unwrap(inner) {
		text = inner
	}
	if e, ok := parseError(text.Error()); ok {
		return e
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if lost := c.conn.Err(); lost != nil {
		return lost
	}
	switch {
	case exc.IsType(err, exc.Disconnected):
		return c.lost()
	case exc.IsType(err, exc.Unimplemented):
		return ErrNotOffered
	default:
		return ErrInternal.With(gate.CleanText(text.Error()))
	}
}

// lost is the error of calls on an ended connection.
func (c *Client) lost() error {
	if err := c.conn.Err(); err != nil {
		return err
	}
	return ErrDisconnected
}

// sign puts the access token into a call.
func (c *Client) sign(newAuth func() (schema.Auth, error)) error {
	auth, err := newAuth()
	if err != nil {
		return err
	}
	auth.SetVersion(1)
	return auth.SetAccessToken(c.token())
}
