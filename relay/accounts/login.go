package accounts

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"maps"
	"sync"
	"time"

	"quicnprotochat/relay/store"
	"quicnprotochat/rpc"
)

// LoginStart implements rpc.Accounts. For an unknown name it does the same work,
// and answers what fits no password.
func (s *Service) LoginStart(ctx context.Context, c rpc.Caller, username string, request []byte) ([]byte, error) {
	name, leave, err := s.enter(c, username)
	if err != nil {
		return nil, err
	}
	defer leave()
	defer leveled(ctx)()
	a, found, err := s.account(ctx, name)
	if err != nil {
		return nil, err
	}
	if !s.attempt(c, name, a) {
		return nil, rpc.ErrBusy.With("too many attempts to log in, try again in ten minutes")
	}
	ke2, expected, err := s.cfg.Server.Login(name.Folded, a.Record, request)
	if err != nil {
		return nil, opaqueError(err)
	}
	if !s.pending.add(name, expected, login{account: a, known: found}) {
		return nil, rpc.ErrBusy
	}
	return ke2, nil
}

// LoginFinish implements rpc.Accounts.
func (s *Service) LoginFinish(ctx context.Context, c rpc.Caller, username string, finalization []byte, id rpc.Identity) ([]byte, error) {
	name, leave, err := s.enter(c, username)
	if err != nil {
		return nil, err
	}
	defer leave()
	defer leveled(ctx)()
	l, found := s.pending.take(name, finalization)
	if !found || !l.known || l.account.Identity != id || c.Proven && c.Identity != id {
		return nil, rpc.ErrLogin
	}
	token, session := s.newSession()
	err = s.cfg.Storage.BeginSession(ctx, l.account.Key, l.account.Record, session)
	if errors.Is(err, store.ErrNotFound) {
		return nil, rpc.ErrLogin // deleted or changed meanwhile
	}
	if err != nil {
		return nil, s.cfg.WireError(err)
	}
	s.forgive(c, name, l.account)
	return token, nil
}

// account returns the account of exactly that name: the key alone may be that of
// one that looks alike.
func (s *Service) account(ctx context.Context, name Name) (a store.Account, found bool, err error) {
	a, found, err = s.cfg.Storage.Account(ctx, name.Key)
	if err != nil {
		return a, false, s.cfg.WireError(err)
	}
	if !found || a.Folded != name.Folded {
		return store.Account{}, false, nil
	}
	return a, true, nil
}

// attempt counts an attempt to log in, or reports that it is one too many.
func (s *Service) attempt(c rpc.Caller, name Name, a store.Account) bool {
	if owns(c, a) {
		return s.byOwner.take(name.Folded)
	}
	address := network(c.Remote)
	return s.byBoth.take(address+" "+name.Folded) && s.byAddress.take(address) && s.byName.take(name.Folded)
}

// forgive takes the count of one that succeeded back.
func (s *Service) forgive(c rpc.Caller, name Name, a store.Account) {
	if owns(c, a) {
		s.byOwner.giveBack(name.Folded)
		return
	}
	address := network(c.Remote)
	s.byBoth.giveBack(address + " " + name.Folded)
	s.byAddress.giveBack(address)
	s.byName.giveBack(name.Folded)
}

func owns(c rpc.Caller, a store.Account) bool { return a.Bound && c.Owns(a.Identity) }

// newSession makes a token and what is stored of it.
func (s *Service) newSession() (token []byte, session store.Session) {
	token = make([]byte, 32)
	_, _ = rand.Read(token) // never fails
	now := s.cfg.Now()
	return token, store.Session{ID: sha256.Sum256(token), Begun: now, Expires: now.Add(sessionLife)}
}

const (
	// maxPending bounds the logins between start and finish.
	maxPending = 1 << 14
	// pendingLife is how long one may take; Argon2id on a small machine is slow.
	pendingLife = time.Minute
)

// login is one between start and finish.
type login struct {
	account store.Account
	known   bool
	end     time.Time
}

// pending are the logins between start and finish, by the hash of the name and of
// the only finalization that is right. So nobody who does not know the password
// finds one, or pushes one out.
type pending struct {
	now func() time.Time

	// mu guards logins.
	mu     sync.Mutex
	logins map[[32]byte]login
}

func newPending(now func() time.Time) *pending {
	return &pending{now: now, logins: make(map[[32]byte]login)}
}

func pendingKey(name Name, finalization []byte) [32]byte {
	return sha256.Sum256(append(name.Key[:], finalization...))
}

func (p *pending) add(name Name, expected []byte, l login) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.logins) >= maxPending {
		p.drop()
	}
	if len(p.logins) >= maxPending {
		return false
	}
	l.end = p.now().Add(pendingLife)
	p.logins[pendingKey(name, expected)] = l
	return true
}

// forget drops those that came to nothing.
func (p *pending) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.drop()
}

// drop is forget, with mu held.
func (p *pending) drop() {
	now := p.now()
	maps.DeleteFunc(p.logins, func(_ [32]byte, l login) bool { return !now.Before(l.end) })
}

func (p *pending) take(name Name, finalization []byte) (l login, found bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	k := pendingKey(name, finalization)
	l, found = p.logins[k]
	delete(p.logins, k)
	return l, found && p.now().Before(l.end)
}
