package localapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"

	"golang.org/x/net/netutil"

	"quicnprotochat/node/localapi/socket"
)

// Config says what a Server serves and where. Ready, Words, Stop and Log may be nil.
type Config struct {
	// Socket is the path of the unix socket, of any length: one that is too long
	// for a socket gets a short link under the runtime directory. Its directory
	// exists, unless it is the runtime directory. Whoever runs the server holds
	// the lock of the home: a socket that nobody answers is replaced.
	Socket string

	Self          Self
	Contacts      Contacts
	Messages      Messages
	Conversations Conversations
	Trust         Trust
	Groups        Groups
	Relays        Relays
	Reasons       Reasons
	Accounts      Accounts
	// Copies makes copies of the node.
	Copies Copies
	// AccountMaker and AccountOwner are the rest of Accounts.
	AccountMaker AccountMaker
	AccountOwner AccountOwner
	Events       Events

	// Ready is called once, when the socket answers; nil means that nobody asks.
	Ready func()

	// Words puts a failure of the node into words, as an *Error, where it can; nil means
	// that it never can.
	Words func(error) error

	// Stop ends the daemon, in its own time; nil means that it can't be asked to.
	Stop func()

	// Log is where failures go; nil means nowhere.
	Log *slog.Logger
}

// Server serves the local API.
type Server struct {
	cfg Config
	// listeners has a token for each subscriber of events.
	listeners chan struct{}
}

// New returns a server. It opens nothing before Run.
func New(cfg Config) (*Server, error) {
	if cfg.Socket == "" || cfg.Self == nil || cfg.Contacts == nil || cfg.Messages == nil || cfg.Conversations == nil || cfg.Trust == nil || cfg.Groups == nil || cfg.Relays == nil || cfg.Reasons == nil || cfg.Accounts == nil || cfg.AccountMaker == nil || cfg.AccountOwner == nil || cfg.Copies == nil || cfg.Events == nil {
		return nil, errors.New("local API: incomplete Config")
	}
	if cfg.Words == nil {
		cfg.Words = func(err error) error { return err }
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Server{cfg: cfg, listeners: make(chan struct{}, maxSubscribers)}, nil
}

// Run serves until ctx ends, and returns nil then. It returns an *Error of
// ExitHome when another daemon answers at the socket. Requests that are under
// way see their context end and have one second to answer.
func (s *Server) Run(ctx context.Context) error {
	l, remove, err := socket.Listen(s.cfg.Socket)
	if err != nil {
		return fmt.Errorf("serve local API: %w", ofSocket(err))
	}
	srv := &http.Server{
		Handler:           s.routes(),
		ReadHeaderTimeout: requestTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ErrorLog:          slog.NewLogLogger(s.cfg.Log.Handler(), slog.LevelWarn),
	}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(netutil.LimitListener(l, maxConns)) }()
	if s.cfg.Ready != nil {
		s.cfg.Ready()
	}
	select {
	case err = <-done:
	case <-ctx.Done():
		stopping, cancel := context.WithTimeout(context.Background(), stopTimeout)
		defer cancel()
		if srv.Shutdown(stopping) != nil {
			srv.Close()
		}
		<-done
		err = nil
	}
	l.Close()
	remove()
	if err != nil {
		return fmt.Errorf("serve local API: %w", err)
	}
	return nil
}
