package rpc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"

	"capnproto.org/go/capnp/v3"
	rpccp "capnproto.org/go/capnp/v3/std/capnp/rpc"

	"quicnprotochat/rpc/budget"
	"quicnprotochat/rpc/flow"
	"quicnprotochat/rpc/gate"
	"quicnprotochat/rpc/order"
)

// server answers the calls of one connection. It is the hook of the bootstrap
// capability: the library's own server starts handlers one at a time and
// queues what waits without a bound.
type server struct {
	svc       *Service
	peer      Peer
	log       *slog.Logger
	answers   *flow.Answers
	maxAnswer int // bytes
	gate      *gate.Gate
	deposits  order.Queue
	onCall    func(Call) // may be nil
}

// answer is a successful result. It is written into its message only when the
// handler is done, so that a failed call leaves nothing in it.
type answer struct {
	size capnp.ObjectSize
	fill func(capnp.Struct) error
}

var errPipelined = ErrBadRequest.With("results of this service can't be called")

// Recv implements capnp.ClientHook. The library calls it in the order of the
// calls, from one goroutine that must not wait.
func (s *server) Recv(ctx context.Context, r capnp.Recv) capnp.PipelineCaller {
	m := methodOf(r.Method)
	ctx, ended := s.beginCall(ctx, m)
	reject := func(err error) capnp.PipelineCaller {
		r.Reject(err)
		ended(err)
		return noPipeline{}
	}
	if m == nil || !m.offered(s.svc) {
		return reject(ErrNotOffered)
	}
	room := s.gate.Share().Answer()
	if m.waits && argsSize(r.Args) > budget.Tiny {
		return reject(ErrBadRequest.With("arguments too large"))
	}
	end, ok := s.begin(m, r.Args, room)
	if !ok {
		return reject(ErrBusy)
	}
	var place order.Turn
	if m.ordered {
		place = s.deposits.Join()
	}
	go func() {
		defer end()
		a, err := s.run(room.Context(ctx), m, place, r.Args)
		room.Leaves()
		ended(s.reply(ctx, m, r, a, err))
	}()
	return noPipeline{}
}

// begin counts a call in. It counts until the answer is written, so that a
// caller who doesn't read can't make us hold more than what is in flight.
func (s *server) begin(m *method, args capnp.Struct, room *budget.Answer) (end func(), ok bool) {
	size := argsSize(args)
	id, known := uint32(0), false
	if msg := args.Message(); msg != nil {
		if root, err := rpccp.ReadRootMessage(msg); err == nil {
			if call, err := root.Call(); err == nil {
				id, known = call.QuestionId(), true
			}
		}
	}
	read, answered, ok := s.answers.Begin(size, m.large)
	if !ok {
		return nil, false
	}
	written := func() {
		room.Close()
		answered()
	}
	if known && s.gate.WhenWritten(id, written) {
		written = func() {}
	}
	return func() {
		read()
		written()
	}, true
}

// argsSize is what the message of a call takes, in bytes.
func argsSize(args capnp.Struct) int64 {
	if msg := args.Message(); msg != nil {
		if n, err := msg.TotalSize(); err == nil {
			return int64(n)
		}
	}
	return 0
}

// run is the one wrapper around all handlers: order, and what is left of a
// panic.
func (s *server) run(ctx context.Context, m *method, place order.Turn, args capnp.Struct) (a answer, err error) {
	defer func() {
		if p := recover(); p != nil {
			s.log.Error("handler panicked", "method", m.name, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			err = ErrInternal
		}
	}()
	if m.ordered {
		var leave func()
		ctx, leave = place.Wait(ctx)
		defer leave()
	}
	if err := ctx.Err(); err != nil {
		return answer{}, err // given up while it waited
	}
	return m.run(s, ctx, args)
}

// reply ends a call, and returns what its caller learns of an error.
func (s *server) reply(ctx context.Context, m *method, r capnp.Recv, a answer, err error) error {
	if err == nil {
		err = ctx.Err() // nobody waits for it
	}
	if err == nil {
		var st capnp.Struct
		if st, err = r.AllocResults(a.size); err == nil && a.fill != nil {
			err = a.fill(st)
		}
	}
	r.ReleaseArgs()
	err = s.wireError(ctx, m, err)
	r.Returner.PrepareReturn(err)
	r.Returner.Return()
	r.Returner.ReleaseResults()
	return err
}

// wireError is what the caller learns of an error.
func (s *server) wireError(ctx context.Context, m *method, err error) error {
	if err == nil {
		return nil
	}
	var e *Error
	if errors.As(err, &e) {
		return e.With(gate.CleanText(e.Text))
	}
	if ctx.Err() == nil {
		s.log.Error("handler failed", "method", m.name, "err", err)
	}
	return ErrInternal
}

// Send implements capnp.ClientHook. Nothing calls the service but the other
// side.
func (s *server) Send(_ context.Context, c capnp.Send) (*capnp.Answer, capnp.ReleaseFunc) {
	return capnp.ErrorAnswer(c.Method, ErrNotOffered), func() {}
}

// Brand implements capnp.ClientHook.
func (s *server) Brand() capnp.Brand { return capnp.Brand{} }

// Shutdown implements capnp.ClientHook.
func (s *server) Shutdown() {}

// String implements capnp.ClientHook.
func (s *server) String() string { return "NodeService" }

// noPipeline refuses calls on results: no result of NodeService can be called.
type noPipeline struct{}

func (noPipeline) PipelineSend(_ context.Context, _ []capnp.PipelineOp, c capnp.Send) (*capnp.Answer, capnp.ReleaseFunc) {
	return capnp.ErrorAnswer(c.Method, errPipelined), func() {}
}

func (noPipeline) PipelineRecv(_ context.Context, _ []capnp.PipelineOp, r capnp.Recv) capnp.PipelineCaller {
	r.Reject(errPipelined)
	return noPipeline{}
}
