package metrics

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"quicnprotochat/relay"
)

const (
	// maxConns bounds the connections, see crowd, maxHeader the head of a request, in
	// bytes, and requestTimeout the time of one.
	maxConns       = 64
	maxHeader      = 16 << 10
	requestTimeout = 10 * time.Second
)

// Server serves /metrics, /healthz and /readyz.
type Server struct {
	listener net.Listener
	handler  http.Handler
	log      *slog.Logger
}

// Listen opens a TCP address, IP:PORT; either Run or Close must follow. Unless
// public is set, the IP must be a loopback one. The errors are relay.ErrConfig and
// relay.ErrListen.
func Listen(addr string, public bool, m *Metrics, r *relay.Relay, log *slog.Logger) (*Server, error) {
	at, err := netip.ParseAddrPort(addr)
	if err != nil {
		return nil, fmt.Errorf("%w: metrics: %q is not IP:PORT", relay.ErrConfig, addr)
	}
	if !public && !at.Addr().Unmap().IsLoopback() {
		return nil, fmt.Errorf("%w: metrics: %s can be reached from other machines: use 127.0.0.1, or allow it with metrics-public", relay.ErrConfig, addr)
	}
	l, err := net.Listen("tcp", at.String())
	if err != nil {
		return nil, fmt.Errorf("%w: metrics: %w", relay.ErrListen, err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4}))
	mux.HandleFunc("GET /healthz", answer(r.Alive))
	mux.HandleFunc("GET /readyz", answer(r.Ready))
	return &Server{l, mux, log}, nil
}

// answer says ok, or 503 and why not.
func answer(ask func(context.Context) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		if err := ask(r.Context()); err != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = fmt.Fprintln(w, err)
			return
		}
		_, _ = io.WriteString(w, "ok\n")
	}
}

// Addr is the address that it listens on.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Run serves until ctx ends.
func (s *Server) Run(ctx context.Context) error {
	crowd := newCrowd(maxConns, s.log)
	defer crowd.cut.Close()
	srv := &http.Server{
		Handler:           s.handler,
		ReadHeaderTimeout: requestTimeout,
		ReadTimeout:       requestTimeout,
		WriteTimeout:      requestTimeout,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    maxHeader,
		ConnState:         crowd.change,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
	}
	stop := context.AfterFunc(ctx, func() { srv.Close() })
	defer stop()
	if err := srv.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve metrics: %w", err)
	}
	return nil
}
