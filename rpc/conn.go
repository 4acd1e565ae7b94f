package rpc

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"capnproto.org/go/capnp/v3"
	capnprpc "capnproto.org/go/capnp/v3/rpc"

	"quicnprotochat/rpc/budget"
	"quicnprotochat/rpc/flow"
	"quicnprotochat/rpc/gate"
	"quicnprotochat/schema"
)

// Defaults of ConnConfig.
const (
	// DefaultMaxMessage holds the largest payload with a full list of keys.
	DefaultMaxMessage = 6 << 20
	// DefaultMaxInFlight is how many calls of the other side are answered at
	// once.
	DefaultMaxInFlight = 128
)

// ConnConfig says how a connection answers and calls.
type ConnConfig struct {
	// Service is what we answer on this stream; nil, or a nil field in it,
	// answers ErrNotOffered.
	Service *Service
	// Peer is who is at the other end.
	Peer Peer
	// Token returns the access token of our calls, kind byte first; nil means
	// the key that TLS proved. It is asked at each call.
	Token func() []byte
	// MaxMessage is the largest message that is read, in bytes; 0 means
	// DefaultMaxMessage. Answers are kept below the MaxMessage of this side,
	// so both sides should have the same.
	MaxMessage int
	// FlowLimit is how many bytes of our calls wait for their answers; more
	// calls wait for their turn. 0 means twice MaxMessage, which is also the
	// least.
	FlowLimit int
	// MaxInFlight is how many calls of the other side are answered at once, 0
	// means DefaultMaxInFlight; more of them get ErrBusy. An eighth of them
	// may be calls with large answers (fetch, fetchWait, peek, peekWait,
	// fetchKeyPackage, fetchHybridKeys), and the arguments of all together may
	// take four times MaxMessage. Of our own calls, half as many are in flight
	// at once in each respect, and more wait for their turn.
	MaxInFlight int
	// Budget bounds the memory of the messages of all connections that share
	// it; nil means that each has just its own bounds.
	Budget *budget.Budget
	// OnCall is told of each call of the other side when it is answered. It must
	// not block. Nil tells nobody.
	OnCall func(Call)
	// Log gets why the connection ended, failures and panics of handlers; nil
	// discards.
	Log *slog.Logger

	stall time.Duration // tests only; 0 means that of package gate
}

// ErrDisconnected is what calls return when the connection ended before their
// answer came, and what Err returns, with the reason. Whether the other side
// did what it was asked is unknown.
var ErrDisconnected = errors.New("connection lost")

// ErrClosed is the reason after Close.
var ErrClosed = errors.New("closed by this side")

// Conn is NodeService in both directions over one stream. Its methods may be
// called from many goroutines.
type Conn struct {
	gate   *gate.Gate
	lib    *capnprpc.Conn
	client *Client
	log    *slog.Logger
	logger *gate.Logger
	calls  sync.WaitGroup // what waits for the rest of given-up calls
	done   chan struct{}
}

// NewConn starts to serve and call on a stream. It owns rwc: its Close must
// interrupt Read and Write. The connection ends with Close, when the stream
// ends, or when the other side breaks the protocol or a bound.
func NewConn(rwc io.ReadWriteCloser, cfg ConnConfig) *Conn {
	cfg.MaxMessage = cmp.Or(cfg.MaxMessage, DefaultMaxMessage)
	cfg.MaxInFlight = cmp.Or(cfg.MaxInFlight, DefaultMaxInFlight)
	cfg.FlowLimit = max(cfg.FlowLimit, 2*cfg.MaxMessage)
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Service == nil {
		cfg.Service = new(Service)
	}
	if cfg.Token == nil {
		cfg.Token = func() []byte { return []byte{byte(TokenTLS)} }
	}
	c := &Conn{log: cfg.Log, done: make(chan struct{})}
	c.gate = gate.New(rwc, gate.Config{
		MaxMessage: cfg.MaxMessage, MaxInFlight: cfg.MaxInFlight,
		Budget: cfg.Budget, Peer: cfg.Peer.share(), Stall: cfg.stall,
	})
	c.logger = gate.NewLogger(c.gate, cfg.Log)
	c.lib = capnprpc.NewConn(c.gate, &capnprpc.Options{
		BootstrapClient: capnp.NewClient(newServer(cfg, c.gate)),
		Logger:          c.logger,
	})
	c.client = &Client{
		conn:       c,
		token:      cfg.Token,
		maxMessage: cfg.MaxMessage,
		turns:      flow.NewTurns(cfg.MaxInFlight/2, cfg.MaxInFlight/16, int64(cfg.FlowLimit)),
	}
	go c.wait()
	return c
}

func newServer(cfg ConnConfig, g *gate.Gate) *server {
	return &server{
		svc:       cfg.Service,
		peer:      cfg.Peer,
		log:       cfg.Log,
		onCall:    cfg.OnCall,
		gate:      g,
		answers:   flow.NewAnswers(cfg.MaxInFlight, cfg.MaxInFlight/8, 4*int64(cfg.MaxMessage)),
		maxAnswer: cfg.MaxMessage - answerSlack,
	}
}

// answerSlack is what an answer takes besides its envelopes.
const answerSlack = 1 << 10

// MaxAnswer is how many bytes of envelopes, each counted with EnvelopeSize, go
// into one answer of a connection with DefaultMaxMessage. Fetch of an Inbox
// must not remove more than that.
const MaxAnswer = DefaultMaxMessage - answerSlack

// wait waits for the end of the connection.
func (c *Conn) wait() {
	<-c.lib.Done()
	c.client.end()
	c.calls.Wait()
	if c.gate.Err() == nil {
		c.gate.Fail(c.logger.Reason())
	}
	c.gate.Close()
	c.gate.Share().Close()
	c.logEnd(c.gate.Err())
	close(c.done)
}

// logEnd warns of what the other side did wrong. That a stream ended or broke
// is ordinary.
func (c *Conn) logEnd(reason error) {
	var broken *gate.StreamError
	if errors.As(reason, &broken) || errors.Is(reason, io.EOF) || errors.Is(reason, ErrClosed) {
		c.log.Debug("connection ended", "err", reason, "unfinished", c.gate.Unfinished())
		return
	}
	c.log.Warn("connection cut off", "err", reason)
}

// Client returns the caller's side of the other end's service.
func (c *Conn) Client() *Client { return c.client }

// Done is closed when the connection has ended and its handlers have returned.
func (c *Conn) Done() <-chan struct{} { return c.done }

// Err returns nil until the connection ends, and then ErrDisconnected with the
// reason: io.EOF if the other side closed it, ErrClosed if this side did.
func (c *Conn) Err() error {
	if reason := c.gate.Err(); reason != nil {
		return fmt.Errorf("%w: %w", ErrDisconnected, reason)
	}
	return nil
}

// Close ends the connection: it cancels the handlers of its calls, waits for
// them, and closes the stream. A handler must not call it. It may be called
// again.
func (c *Conn) Close() error {
	c.gate.Fail(ErrClosed)
	// The library returns how the stream closed, which helps nobody.
	_ = c.lib.Close()
	<-c.done
	return nil
}

// bootstrap asks for the other side's service.
func (c *Conn) bootstrap() schema.NodeService {
	return schema.NodeService(c.lib.Bootstrap(context.Background()))
}
