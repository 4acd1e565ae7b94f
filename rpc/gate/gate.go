package gate

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"capnproto.org/go/capnp/v3"
	"capnproto.org/go/capnp/v3/rpc/transport"
	rpccp "capnproto.org/go/capnp/v3/std/capnp/rpc"

	"quicnprotochat/rpc/budget"
)

const (
	// maxAnswers bounds the calls of the other side that it has not finished.
	// A Go client finishes a quarter of a second after the answer, and ours with the
	// call after that, so this is 100,000 calls/s; an entry whose answer is sent holds
	// about 1 KiB.
	maxAnswers = 1 << 15
	// maxUnsent bounds the answers that wait to be written, besides those of
	// calls in flight. Calls over MaxInFlight are refused with a small answer;
	// who goes on calling without reading them is not read either.
	maxUnsent = 1 << 10
	// maxQuestions bounds our calls that the other side never returned,
	// although we gave them up.
	maxQuestions = 1 << 14
	// maxHeld is how many Finish messages wait for a message that they can go with:
	// what the other side keeps for each is little, and a packet of their own, with
	// its acknowledgement, would cost both sides half as much as the call did.
	maxHeld = 8
)

// ErrKeep is what the library gets instead of a sent Finish of the bootstrap
// question. The other side keeps that answer, and the library keeps its id, so
// that a call that was pipelined on it can never arrive too late.
var ErrKeep = errors.New("bootstrap question is kept")

// Gate is the transport under the library's connection. It lets through only
// the part of the RPC protocol that NodeService needs, and counts what each
// side owes the other: the library has unbounded queues and tables, and
// trusts the order of what it receives.
type Gate struct {
	f     *framer
	share *budget.Share
	quit  chan struct{} // closed when the gate is
	limit struct{ answers, unsent, questions int }

	wmu sync.Mutex // held while writing

	mu        sync.Mutex // guards the fields below
	changed   *sync.Cond // of questions and reason
	reason    error      // why the connection ends; the first one counts
	answers   map[uint32]*answerState
	unsent    int
	questions map[uint32]bool // ours, not yet returned; true once written
	bootstrap uint32          // our bootstrap question
	asked     bool            // bootstrap is set
	closed    bool
}

// answerState is one question of the other side, until it is both answered
// and finished.
type answerState struct {
	bootstrap bool
	sent      bool
	finished  bool
	written   func() // called when the answer is on its way; may be nil
}

// Config says what a Gate lets through.
type Config struct {
	// MaxMessage is the largest message that is read, in bytes. Required.
	MaxMessage int
	// MaxInFlight is how many calls of the other side the server answers at once;
	// what is beyond them and not read or finished is bounded. Default 0.
	MaxInFlight int
	// Budget bounds the memory of messages over many connections. Default: none.
	Budget *budget.Budget
	// Peer is whose share of the Budget the messages take.
	Peer budget.Peer
	// Stall is how long a message that has begun may make no progress. Default:
	// a minute for each 64 KiB.
	Stall time.Duration
}

// New returns a Gate on a stream. It owns rwc: its Close must interrupt Read and
// Write.
func New(rwc io.ReadWriteCloser, cfg Config) *Gate {
	g := &Gate{answers: map[uint32]*answerState{}, questions: map[uint32]bool{}, quit: make(chan struct{})}
	g.limit.answers, g.limit.unsent, g.limit.questions = maxAnswers+cfg.MaxInFlight, maxUnsent+cfg.MaxInFlight, maxQuestions
	g.changed = sync.NewCond(&g.mu)
	cut := func(err error) {
		g.Fail(err)
		g.Close()
	}
	g.share = budget.NewShare(cfg.Budget, cfg.Peer, g.quit, cut)
	g.f = newFramer(rwc, cfg.MaxMessage, cmp.Or(cfg.Stall, stallTime), func() { cut(ErrStalled) })
	g.f.share = g.share
	return g
}

// Fail notes why the connection ends. It returns the reason that counts.
func (g *Gate) Fail(err error) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.reason == nil {
		g.reason = err
	}
	g.changed.Broadcast()
	return g.reason
}

// failIO notes a failed read or write, unless that is because the stream was
// closed here: the reason for that is known elsewhere.
func (g *Gate) failIO(err error) error {
	if g.closedHere() {
		return err
	}
	return g.Fail(err)
}

// closedHere reports whether the Gate was closed here.
func (g *Gate) closedHere() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.closed
}

// Err returns why the connection ends, nil if it does not.
func (g *Gate) Err() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.reason
}

// Close closes the stream. It is idempotent.
func (g *Gate) Close() error {
	g.mu.Lock()
	closed := g.closed
	g.closed = true
	if !closed {
		close(g.quit)
	}
	g.changed.Broadcast()
	g.mu.Unlock()
	if closed {
		return nil
	}
	return g.f.rwc.Close()
}

// Share returns what the connection has of the Budget.
func (g *Gate) Share() *budget.Share { return g.share }

// Unfinished returns how many questions of the other side are open: not answered,
// or not yet finished by it.
func (g *Gate) Unfinished() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.answers)
}

// RecvMessage implements transport.Transport. An idle connection waits here.
func (g *Gate) RecvMessage() (transport.IncomingMessage, error) {
	for {
		first, err := g.f.first()
		if err != nil {
			return nil, g.failIO(err)
		}
		if m, err := g.receive(first); m != nil || err != nil {
			return m, err
		}
	}
}

// receive returns the message that begins with first; nil when it is not for the
// library.
func (g *Gate) receive(first byte) (transport.IncomingMessage, error) {
	m, seat, err := g.f.read(first)
	if err != nil {
		return nil, g.failIO(err)
	}
	msg, err := rpccp.ReadRootMessage(m)
	if err != nil {
		return nil, g.failIO(fmt.Errorf("read message: %w", err))
	}
	pass, err := g.admit(msg)
	if err != nil {
		return nil, g.failIO(err)
	}
	if !pass {
		g.share.Drop(seat)
		return nil, nil
	}
	return &incoming{msg: msg, end: func() { g.share.Drop(seat) }}, nil
}

// returning takes question id off the list, after its writing has ended.
func (g *Gate) returning(id uint32) (bootstrap bool, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for {
		written, ok := g.questions[id]
		switch {
		case !ok:
			return false, fmt.Errorf("return for question %d, which is not asked", id)
		case g.reason != nil || g.closed:
			return false, errors.New("return for a question that failed")
		case written:
			delete(g.questions, id)
			return g.asked && id == g.bootstrap, nil
		}
		g.changed.Wait()
	}
}

// asking notes a question of the other side. It waits while too many answers
// are not written: nothing more is read until some are, and the framer ends
// the connection if none is for long.
func (g *Gate) asking(id uint32, bootstrap bool) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.answers[id] != nil {
		return fmt.Errorf("question %d asked twice", id)
	}
	if len(g.answers) >= g.limit.answers {
		return fmt.Errorf("%d calls not finished", len(g.answers))
	}
	for g.unsent >= g.limit.unsent && g.reason == nil && !g.closed {
		g.changed.Wait()
	}
	g.answers[id] = &answerState{bootstrap: bootstrap}
	g.unsent++
	return nil
}

// finishing notes that the other side needs the answer no more.
func (g *Gate) finishing(id uint32) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	a := g.answers[id]
	if a == nil || a.finished {
		return fmt.Errorf("finish of question %d, which is not open", id)
	}
	a.finished = true
	if a.sent {
		delete(g.answers, id)
	}
	return nil
}

// WhenWritten arranges that f runs when the answer to question id is written.
// It reports whether that question is open.
func (g *Gate) WhenWritten(id uint32, f func()) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	a := g.answers[id]
	if a == nil || a.sent {
		return false
	}
	a.written = f
	return true
}

type incoming struct {
	msg  rpccp.Message
	end  func() // gives its memory back
	once sync.Once
}

func (i *incoming) Message() rpccp.Message { return i.msg }

func (i *incoming) Release() {
	i.once.Do(func() {
		i.msg.Message().Release()
		i.end()
	})
}

// NewMessage implements transport.Transport.
func (g *Gate) NewMessage() (transport.OutgoingMessage, error) {
	m, seg := capnp.NewMultiSegmentMessage(nil)
	msg, err := rpccp.NewRootMessage(seg)
	if err != nil {
		return nil, err
	}
	return &outgoing{g: g, m: m, msg: msg}, nil
}

type outgoing struct {
	g    *Gate
	m    *capnp.Message
	msg  rpccp.Message
	once sync.Once
}

func (o *outgoing) Message() rpccp.Message { return o.msg }
func (o *outgoing) Release()               { o.once.Do(o.m.Release) }

// Send implements transport.OutgoingMessage. An error ends the connection,
// but for ErrKeep.
func (o *outgoing) Send() error {
	g := o.g
	g.wmu.Lock()
	defer g.wmu.Unlock()
	after, err := g.sending(o)
	if err != nil {
		if !errors.Is(err, ErrKeep) {
			g.Close()
		}
		return err
	}
	write := g.f.write
	if after == nil {
		write, after = g.f.hold, func() {}
	}
	if err := write(o.m); err != nil {
		err = g.failIO(err)
		g.Close()
		return err
	}
	after()
	return nil
}

// sending notes what is about to be written. It returns what to do when that
// has succeeded; nil says that the message may wait for the next one.
func (g *Gate) sending(o *outgoing) (after func(), err error) {
	switch o.msg.Which() {
	case rpccp.Message_Which_bootstrap:
		b, err := o.msg.Bootstrap()
		if err != nil {
			return nil, g.Fail(err)
		}
		return g.sendingQuestion(b.QuestionId(), true)
	case rpccp.Message_Which_call:
		call, err := o.msg.Call()
		if err != nil {
			return nil, g.Fail(err)
		}
		return g.sendingQuestion(call.QuestionId(), false)
	case rpccp.Message_Which_return:
		ret, err := o.msg.Return()
		if err != nil {
			return nil, g.Fail(err)
		}
		return g.sendingAnswer(ret.AnswerId(), o), nil
	case rpccp.Message_Which_finish:
		fin, err := o.msg.Finish()
		if err != nil {
			return nil, g.Fail(err)
		}
		return g.sendingFinish(fin.QuestionId())
	default:
		return func() {}, nil
	}
}

func (g *Gate) sendingQuestion(id uint32, bootstrap bool) (after func(), err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.questions) >= g.limit.questions {
		if g.reason == nil {
			g.reason = fmt.Errorf("%d calls never answered", len(g.questions))
			g.changed.Broadcast()
		}
		return nil, g.reason
	}
	g.questions[id] = false
	if bootstrap {
		g.bootstrap, g.asked = id, true
	}
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.questions[id] = true
		g.changed.Broadcast()
	}, nil
}

// sendingFinish lets the Finish of an answered question wait. One that is not answered
// yet is how a call is cancelled.
func (g *Gate) sendingFinish(id uint32) (after func(), err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.asked && id == g.bootstrap {
		return nil, ErrKeep
	}
	if _, open := g.questions[id]; open || g.f.held >= maxHeld {
		return func() {}, nil
	}
	return nil, nil
}

// sendingAnswer marks an answer as sent before its bytes leave: the other side
// may finish it, and use its id again, before our write returns.
func (g *Gate) sendingAnswer(id uint32, o *outgoing) (after func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	a := g.answers[id]
	if a == nil {
		a = &answerState{}
	}
	a.sent = true
	if a.finished {
		delete(g.answers, id)
	}
	return func() {
		g.mu.Lock()
		g.unsent--
		g.changed.Broadcast()
		g.mu.Unlock()
		if a.written != nil {
			a.written()
		}
		if !a.bootstrap {
			// The library keeps a message until its Finish, which may never
			// come. Nothing reads an answer again, since admitPromised lets
			// no call on it through.
			o.Release()
		}
	}
}
