package plain

import (
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/quic-go/quic-go"
)

// The codes with which a Server ends connections and streams. Code 0 is an
// ordinary end.
const (
	codeBusy     = 1 // over a limit, try again later
	codeProtocol = 2 // not what the protocol has
	codeIdle     = 3 // nothing came for too long
)

// ServerConfig says how a Server is made.
type ServerConfig struct {
	// Key signs the certificate. Required.
	Key ed25519.PrivateKey
	// OnStream gets each stream, from its first byte on, in a goroutine of its own.
	// The stream is closed when it returns. Required.
	OnStream func(*Stream)
	// Limits bound what callers use. Default: see Limits.
	Limits Limits
	// Log gets what no caller is told. Default: nothing is logged.
	Log *slog.Logger
}

// Listener accepts connections that were made with Server.TLS.
type Listener interface {
	Accept(context.Context) (*quic.Conn, error)
}

// Server serves plain connections from any number of listeners.
type Server struct {
	cfg         ServerConfig
	door        *door
	tls         *tls.Config
	fingerprint [32]byte
	silent      *silent
	ctx         context.Context // ends when Close begins
	cancel      context.CancelFunc

	// mu guards the fields below.
	mu     sync.Mutex
	closed bool
	conns  map[*quic.Conn]bool
	wg     sync.WaitGroup // what the server started
}

// NewServer makes a Server. It starts nothing.
func NewServer(cfg ServerConfig) (*Server, error) {
	cert, fingerprint, err := Certificate(cfg.Key)
	if err != nil {
		return nil, err
	}
	cfg.Limits = cfg.Limits.withDefaults()
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{cfg: cfg, door: newDoor(cfg.Limits), fingerprint: fingerprint, conns: make(map[*quic.Conn]bool)}
	s.silent = newSilent(cfg.Limits.Silent, cfg.Log)
	s.ctx, s.cancel = context.WithCancel(context.Background())
	conf := &tls.Config{
		MinVersion:             tls.VersionTLS13,
		Certificates:           []tls.Certificate{cert},
		NextProtos:             []string{ALPN},
		ClientAuth:             tls.NoClientCert,
		SessionTicketsDisabled: true, // no resumption, hence no 0-RTT
	}
	s.tls = conf.Clone()
	s.tls.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if err := s.hello(hello); err != nil {
			return nil, err
		}
		return conf, nil
	}
	return s, nil
}

// TLS returns what listeners are to be made with.
func (s *Server) TLS() *tls.Config { return s.tls }

// Fingerprint returns the SHA-256 of the certificate.
func (s *Server) Fingerprint() [32]byte { return s.fingerprint }

// WindowIncrease refuses larger receive windows than those that a connection
// begins with, 768 KiB: all of them together must fit into memory. Listeners are
// made with it.
func (s *Server) WindowIncrease(*quic.Conn, uint64) bool { return false }

var errBusy = errors.New("too many connections")

// hello refuses a handshake that is over a limit, before any signature is made,
// and counts it until it ends.
func (s *Server) hello(hello *tls.ClientHelloInfo) error {
	if s.ctx.Err() != nil {
		return errBusy
	}
	leave, ok := s.door.enter(handshakes, addrOf(hello.Conn.RemoteAddr()), time.Now())
	if !ok {
		s.cfg.Log.Debug("plain handshake refused: too many")
		return errBusy
	}
	context.AfterFunc(hello.Context(), leave)
	return nil
}

// addrOf returns the IP address in a; the zero Addr if there is none.
func addrOf(a net.Addr) netip.Addr {
	if udp, ok := a.(*net.UDPAddr); ok {
		return udp.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}

// Serve serves the connections of a listener until it fails or the Server closes.
func (s *Server) Serve(l Listener) {
	if !s.begin() {
		return
	}
	defer s.wg.Done()
	for {
		c, err := l.Accept(s.ctx)
		if err != nil || !s.welcome(c) {
			return
		}
	}
}

// welcome begins to serve a connection, or refuses it; false means that the Server
// is closing.
func (s *Server) welcome(c *quic.Conn) bool {
	// libp2p counts what comes to its port among the handshakes under way. This one
	// is over, and would stay there until the connection ends.
	if scope, err := network.UnwrapConnManagementScope(c.Context()); err == nil {
		scope.Done()
	}
	leave, ok := s.door.enter(conns, addrOf(c.RemoteAddr()), time.Now())
	if !ok {
		s.cfg.Log.Debug("plain connection refused: too many")
		_ = c.CloseWithError(codeBusy, "too many connections")
		return true
	}
	if !s.track(c) {
		leave()
		_ = c.CloseWithError(0, "")
		return false
	}
	s.silent.add(c)
	go func() {
		defer s.wg.Done()
		defer leave()
		s.serve(c)
		s.silent.remove(c)
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.conns, c)
	}()
	return true
}

// serve serves one connection until it ends.
func (s *Server) serve(c *quic.Conn) {
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() {
		// Nothing in NodeService goes one way.
		if _, err := c.AcceptUniStream(c.Context()); err == nil {
			_ = c.CloseWithError(codeProtocol, "unidirectional stream")
		}
	})
	empty := newEmpty(s.cfg.Limits.Empty, func() { _ = c.CloseWithError(codeIdle, "no stream") })
	defer empty.stop()
	places := make(chan struct{}, s.cfg.Limits.StreamsPerConn)
	for {
		select {
		case places <- struct{}{}:
		case <-c.Context().Done():
			return
		}
		stream, err := c.AcceptStream(c.Context())
		if err != nil {
			return
		}
		empty.add(1)
		wg.Go(func() {
			defer func() {
				empty.add(-1)
				<-places
			}()
			s.handle(c, stream)
		})
	}
}

// handle serves one stream.
func (s *Server) handle(c *quic.Conn, qs *quic.Stream) {
	stream := &Stream{conn: c, stream: qs, remote: addrOf(c.RemoteAddr()), idle: s.cfg.Limits.Idle}
	leave, ok := s.door.enter(streams, stream.remote, time.Now())
	if !ok {
		stream.reset(codeBusy)
		return
	}
	defer leave()
	// Nothing is spent on a stream before its first byte.
	if err := stream.await(s.cfg.Limits.Empty); err != nil {
		stream.reset(codeIdle)
		return
	}
	s.silent.remove(c)
	defer stream.Close()
	s.cfg.OnStream(stream)
}

// begin counts a goroutine; false means that the Server is closing.
func (s *Server) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.wg.Add(1)
	return true
}

// track notes a connection and counts its goroutine.
func (s *Server) track(c *quic.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.wg.Add(1)
	s.conns[c] = true
	return true
}

// Close refuses what is new, ends all connections, and waits until no OnStream
// runs. It does not close the listeners. It may be called again.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed = true
	open := make([]*quic.Conn, 0, len(s.conns))
	for c := range s.conns {
		open = append(open, c)
	}
	s.mu.Unlock()
	s.cancel()
	for _, c := range open {
		_ = c.CloseWithError(0, "")
	}
	s.wg.Wait()
	s.silent.cut.Close()
}

// empty ends a connection that has no stream for a while.
type empty struct {
	after time.Duration
	timer *time.Timer

	// mu guards n.
	mu sync.Mutex
	n  int
}

func newEmpty(after time.Duration, end func()) *empty {
	return &empty{after: after, timer: time.AfterFunc(after, end)}
}

// add counts streams.
func (e *empty) add(n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.n += n; e.n == 0 {
		e.timer.Reset(e.after)
		return
	}
	e.timer.Stop()
}

func (e *empty) stop() { e.timer.Stop() }
