package relay

import (
	"context"
	"crypto/sha256"
	"sync"
	"sync/atomic"
	"time"

	"quicnprotochat/relay/accounts"
	"quicnprotochat/relay/store"
	"quicnprotochat/relay/traffic"
	"quicnprotochat/rpc"
	"quicnprotochat/rpc/account"
)

// service answers NodeService from a store. Its methods are in the files of
// their interfaces.
type service struct {
	cfg      Config
	store    storage
	waiters  *waiters
	handouts *handouts
	hellos   *handouts
	self     rpc.Identity // the relay's own
	accounts *accounts.Service
	stopped  chan struct{} // closed when no more calls are taken

	traffic *traffic.Gate
	// live is cfg with the limits that hold now, see Relay.SetLimits.
	live atomic.Pointer[Config]

	// mu guards the fields below.
	mu    sync.Mutex
	calls int           // in flight
	idle  chan struct{} // closed when stopping and there are no calls; nil before
}

// newService is the service of the relay whose key is self.
func newService(cfg Config, s storage, w *waiters, self rpc.Identity, opaque *account.Server) *service {
	v := &service{
		cfg: cfg, store: s, waiters: w,
		handouts: newHandouts(cfg.Now, handoutsByCaller),
		hellos:   newHandouts(cfg.Now, hellosByCaller),
		self:     self,
		stopped:  make(chan struct{}),
		traffic:  traffic.New(cfg.traffic()),
	}
	v.live.Store(&cfg)
	a := cfg.accounts()
	a.Storage, a.Server, a.Relay, a.Enter, a.WireError = s, opaque, self, v.enterAny, wireError
	v.accounts = accounts.New(a)
	return v
}

// rpc returns what is offered.
func (s *service) rpc() *rpc.Service {
	return &rpc.Service{
		Health: s, Depositor: s, Inbox: s, Keys: s, Endpoints: s, Channels: s,
		Accounts: s.accounts, Owners: s.accounts, Directory: s.accounts, Sessions: s.accounts,
	}
}

// Health implements rpc.Health. It answers "ok", or an error when the store does
// not serve.
func (s *service) Health(ctx context.Context) (string, error) {
	if err := s.store.Health(ctx); err != nil {
		return "", wireError(err)
	}
	return "ok", nil
}

// enter lets a call in whose caller proved an identity or has a session, and
// counts it until leave. A deposit pass proves none: see enterAbout.
func (s *service) enter(c rpc.Caller) (leave func(), err error) {
	_, leave, err = s.enterCall(c)
	return leave, err
}

func (s *service) enterCall(c rpc.Caller) (call *traffic.Call, leave func(), err error) {
	if !c.Proven && c.Session == nil || c.Kind == rpc.TokenPass {
		return nil, nil, rpc.ErrUnauthenticated
	}
	return s.count(c)
}

// callerOf is what the calls of a caller are counted by: the key that it proved,
// else its account, else its address, of which who has many of IPv6 has one.
func callerOf(c rpc.Caller) [32]byte {
	switch {
	case c.Proven:
		return c.Identity
	case c.Session != nil:
		return c.Session.Account
	}
	return placeOf(c.Remote)
}

// placeOf is what an address is counted by.
func placeOf(remote string) [32]byte {
	if network, known := traffic.Network(remote); known {
		remote = network.String()
	}
	return sha256.Sum256([]byte(remote))
}

// depositorOf is what the payloads that a caller leaves are counted by. Keys cost
// nothing, so its address counts as well, where that tells callers apart.
func depositorOf(c rpc.Caller) store.Depositor {
	d := store.Depositor{Who: callerOf(c)}
	if _, known := traffic.Network(c.Remote); known {
		d.Place = placeOf(c.Remote)
	}
	return d
}

// forget drops what is remembered of callers and matters no more.
func (s *service) forget() {
	s.traffic.Forget()
	s.handouts.forget()
	s.hellos.forget()
	s.accounts.Forget()
}

// enterAny lets a call in from anybody, and counts it until leave.
func (s *service) enterAny(c rpc.Caller) (leave func(), err error) {
	_, leave, err = s.count(c)
	return leave, err
}

// count counts a call in, or refuses it.
func (s *service) count(c rpc.Caller) (call *traffic.Call, leave func(), err error) {
	if c.Proven && s.store.Banned(c.Identity) {
		return nil, nil, rpc.ErrBanned
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.idle != nil {
		return nil, nil, rpc.ErrShutdown
	}
	call, err = s.traffic.Enter(traffic.Caller{Who: callerOf(c), Device: c.Device, Remote: c.Remote})
	if err != nil {
		return nil, nil, err
	}
	s.calls++
	return call, func() { s.leave(call) }, nil
}

func (s *service) leave(call *traffic.Call) {
	call.Leave()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.calls--; s.idle != nil && s.calls == 0 {
		close(s.idle)
	}
}

// enterOwner is enter for what only the owner of a key may do; unless access is
// open, that takes a session of its account.
func (s *service) enterOwner(c rpc.Caller, owner rpc.Identity) (leave func(), err error) {
	_, leave, err = s.enterOwnerCall(c, owner)
	return leave, err
}

func (s *service) enterOwnerCall(c rpc.Caller, owner rpc.Identity) (call *traffic.Call, leave func(), err error) {
	call, leave, err = s.enterCall(c)
	switch {
	case err != nil:
		return nil, nil, err
	case !c.Owns(owner):
		err = rpc.ErrForbidden
	case s.cfg.Access != AccessOpen && c.Session == nil:
		err = rpc.ErrAccount
	default:
		return call, leave, nil
	}
	leave()
	return nil, nil, err
}

// stop takes no more calls, ends those that wait for mail, and waits for the
// rest, for at most patience. It is called once.
func (s *service) stop(patience time.Duration) {
	idle := make(chan struct{})
	s.mu.Lock()
	s.idle = idle
	if s.calls == 0 {
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
