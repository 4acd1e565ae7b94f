package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/net/netutil"

	"quicnprotochat/relay"
)

const (
	// maxConns bounds the connections to the socket, maxHeader a request's head.
	maxConns  = 16
	maxHeader = 16 << 10
	// requestTimeout bounds how long a request may take to come in.
	requestTimeout = 10 * time.Second
	// enterPatience is how long who wants to read the whole store waits for another.
	enterPatience = 5 * time.Second
	// stallTimeout is how long a reader may let a part of an answer wait.
	stallTimeout = 30 * time.Second
)

// Server answers operators on the socket of a home.
type Server struct {
	relay   *relay.Relay
	dir     string
	log     *slog.Logger
	started string

	listener net.Listener
	remove   func() // removes the socket
	// one is held by what reads the whole store: one at a time is enough.
	one chan struct{}
}

// Listen makes the socket of the home in dir, for a relay that has it open. Either
// Run or Close must follow.
func Listen(r *relay.Relay, dir string, log *slog.Logger) (*Server, error) {
	l, remove, err := listen(dir)
	if err != nil {
		return nil, err
	}
	return &Server{relay: r, dir: dir, log: log, started: time.Now().UTC().Format(timeLayout), listener: l, remove: remove, one: make(chan struct{}, 1)}, nil
}

// Close removes the socket of a server that is not run.
func (s *Server) Close() error {
	defer s.remove()
	return s.listener.Close()
}

// Run serves until ctx ends, and removes the socket.
func (s *Server) Run(ctx context.Context) error {
	defer s.remove()
	srv := &http.Server{
		Handler:           s.routes(),
		ReadHeaderTimeout: requestTimeout,
		IdleTimeout:       requestTimeout,
		MaxHeaderBytes:    maxHeader,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
	}
	stop := context.AfterFunc(ctx, func() { srv.Close() })
	defer stop()
	if err := srv.Serve(netutil.LimitListener(s.listener, maxConns)); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve operator: %w", err)
	}
	return nil
}

// routes are what operators may ask.
func (s *Server) routes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/status", s.status)
	mux.HandleFunc("POST /v1/check", s.check)
	mux.HandleFunc("POST /v1/compact", s.compact)
	mux.HandleFunc("GET /v1/backup", s.backup)
	s.routeUsers(mux)
	return mux
}

func (s *Server) status(w http.ResponseWriter, r *http.Request) {
	st, err := s.relay.Status(r.Context())
	if err != nil {
		s.refuse(w, http.StatusInternalServerError, err)
		return
	}
	s.answer(w, Status{
		Running: true, Identity: s.relay.URL().Key.String(), URL: s.relay.URL().String(), Started: s.started,
		Bytes: st.Bytes, MaxBytes: st.MaxBytes, FileBytes: st.FileBytes,
		Connections: st.Connections, Calls: st.Calls, Waiters: st.Waiters,
	})
}

func (s *Server) check(w http.ResponseWriter, r *http.Request) {
	if !s.enter(w, r) {
		return
	}
	defer s.leave()
	report, err := s.relay.Verify(r.Context())
	if err != nil {
		s.refuse(w, http.StatusInternalServerError, err)
		return
	}
	s.answer(w, checkOf(report))
}

func (s *Server) compact(w http.ResponseWriter, r *http.Request) {
	if !s.enter(w, r) {
		return
	}
	defer s.leave()
	before, after, err := s.relay.Compact(r.Context())
	if err != nil {
		s.refuse(w, http.StatusInternalServerError, err)
		return
	}
	s.answer(w, Compacted{before, after})
}

// backup streams a backup. An error on the way breaks it off: what came is not
// whole, and whoever reads it back sees that.
func (s *Server) backup(w http.ResponseWriter, r *http.Request) {
	if !s.enter(w, r) {
		return
	}
	defer s.leave()
	w.Header().Set("Content-Type", "application/x-tar")
	out := &patientWriter{w, http.NewResponseController(w)}
	if err := writeBackup(r.Context(), out, s.dir, s.relay.Snapshot); err != nil {
		s.log.Error("backup", "err", err)
		panic(http.ErrAbortHandler)
	}
}

// enter lets one read the whole store at a time. One that has just ended, or whose
// operator has just gone away, is waited for.
func (s *Server) enter(w http.ResponseWriter, r *http.Request) bool {
	select {
	case s.one <- struct{}{}:
		return true
	case <-r.Context().Done():
		return false
	case <-time.After(enterPatience):
		s.refuse(w, http.StatusConflict, errors.New("another check, backup or copy is under way: try again later"))
		return false
	}
}

func (s *Server) leave() { <-s.one }

func (s *Server) answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		s.log.Debug("answer operator", "err", err)
	}
}

// refusal is an error on the socket.
type refusal struct {
	Error string `json:"error"`
}

func (s *Server) refuse(w http.ResponseWriter, status int, err error) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	s.answer(w, refusal{err.Error()})
}

// patientWriter gives each part of an answer its time.
type patientWriter struct {
	w io.Writer
	c *http.ResponseController
}

func (p *patientWriter) Write(b []byte) (int, error) {
	if err := p.c.SetWriteDeadline(time.Now().Add(stallTimeout)); err != nil {
		return 0, err
	}
	return p.w.Write(b)
}
