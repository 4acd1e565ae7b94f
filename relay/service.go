package relay

import (
	"context"
	"sync"
	"time"

	"quicnprotochat/rpc"
)

// service answers NodeService from a store. Its methods are in the files of
// their interfaces.
type service struct {
	cfg      Config
	store    storage
	waiters  *waiters
	handouts *handouts
	stopped  chan struct{} // closed when no more calls are taken

	// mu guards the fields below.
	mu    sync.Mutex
	calls map[rpc.Identity]int // in flight
	idle  chan struct{}        // closed when stopping and calls is empty; nil before
}

func newService(cfg Config, s storage, w *waiters) *service {
	return &service{
		cfg: cfg, store: s, waiters: w,
		handouts: newHandouts(cfg.Now),
		stopped:  make(chan struct{}),
		calls:    make(map[rpc.Identity]int),
	}
}

// rpc returns what is offered.
func (s *service) rpc() *rpc.Service {
	return &rpc.Service{Health: s, Depositor: s, Inbox: s, Keys: s, Endpoints: s}
}

// Health implements rpc.Health. It answers "ok", or an error when the store does
// not serve.
func (s *service) Health(ctx context.Context) (string, error) {
	if err := s.store.Health(ctx); err != nil {
		return "", wireError(err)
	}
	return "ok", nil
}

// enter lets a call in whose caller proved an identity, and counts it until
// leave. Deposit passes prove none, and are not offered.
func (s *service) enter(c rpc.Caller) (leave func(), err error) {
	if !c.Proven || c.Kind == rpc.TokenPass {
		return nil, rpc.ErrUnauthenticated
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.idle != nil {
		return nil, rpc.ErrShutdown
	}
	if s.calls[c.Identity] >= s.cfg.MaxCalls {
		return nil, rpc.ErrBusy
	}
	s.calls[c.Identity]++
	return func() { s.leave(c.Identity) }, nil
}

func (s *service) leave(id rpc.Identity) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.calls[id]--; s.calls[id] == 0 {
		delete(s.calls, id)
	}
	if s.idle != nil && len(s.calls) == 0 {
		close(s.idle)
	}
}

// inFlight returns how many calls there are.
func (s *service) inFlight() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, of := range s.calls {
		n += of
	}
	return n
}

// enterOwner is enter for what only the owner of a key may do.
func (s *service) enterOwner(c rpc.Caller, owner rpc.Identity) (leave func(), err error) {
	leave, err = s.enter(c)
	if err == nil && !c.Owns(owner) {
		leave()
		return nil, rpc.ErrForbidden
	}
	return leave, err
}

// stop takes no more calls, ends those that wait for mail, and waits for the
// rest, for at most patience. It is called once.
func (s *service) stop(patience time.Duration) {
	idle := make(chan struct{})
	s.mu.Lock()
	s.idle = idle
	if len(s.calls) == 0 {
		close(idle)
	}
	s.mu.Unlock()
	close(s.stopped)
	select {
	case <-idle:
	case <-time.After(patience):
		s.cfg.Log.Warn("calls cut off at shutdown")
	}
}
