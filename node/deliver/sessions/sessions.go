package sessions

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"quicnprotochat/rpc"
	"quicnprotochat/transport"
)

// Patience is how long, at most, what takes an account waits for a login
// before it is tried again.
const Patience = 30 * time.Second

// ErrSession means that a relay wanted a session of ours, and that none came in time.
var ErrSession = errors.New("this relay answers who is logged in there")

// Sessions are the tokens of our sessions at relays.
type Sessions struct {
	mu   sync.Mutex // guards the fields below
	m    map[transport.Key][]byte
	came chan struct{} // closed when the next one comes
}

// New returns no sessions.
func New() *Sessions {
	return &Sessions{m: make(map[transport.Key][]byte), came: make(chan struct{})}
}

// next is closed when a session comes after this, at whatever relay.
func (s *Sessions) next() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.came
}

// Of returns the session at a relay, nil for none.
func (s *Sessions) Of(k transport.Key) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.m[k]
}

// Set keeps a session at a relay, none if token is empty. What waits for one goes on.
func (s *Sessions) Set(k transport.Key, token []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(token) == 0 {
		delete(s.m, k)
		return
	}
	s.m[k] = bytes.Clone(token)
	close(s.came)
	s.came = make(chan struct{})
}

// Token is the access token of a call to a machine: our session there, else the
// key that TLS proves.
func (s *Sessions) Token(k transport.Key) []byte {
	if token := s.Of(k); token != nil {
		return rpc.SessionToken(token)
	}
	return []byte{byte(rpc.TokenTLS)}
}

// Await makes a call, and again after each login while it is refused for want of a
// session.
func (s *Sessions) Await(ctx context.Context, call func() error) error {
	patience := time.NewTimer(Patience)
	defer patience.Stop()
	for {
		came := s.next()
		err := call()
		if !errors.Is(err, rpc.ErrAccount) && !errors.Is(err, rpc.ErrUnauthenticated) {
			return err
		}
		select {
		case <-came:
		case <-patience.C:
			return fmt.Errorf("%w: %w", ErrSession, err)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// End forgets a session if it is still that one.
func (s *Sessions) End(k transport.Key, token []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if bytes.Equal(s.m[k], token) {
		delete(s.m, k)
	}
}
