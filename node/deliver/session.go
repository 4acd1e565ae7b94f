package deliver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"quicnprotochat/node/store"
	"quicnprotochat/rpc"
	"quicnprotochat/transport"
)

// accountPause is how long, at most, what takes an account waits for a login
// before it is tried again.
const accountPause = 30 * time.Second

// errAccount is what people read of a relay that refuses us for want of a session.
var errAccount = errors.New("this relay keeps mail only for who has an account there and is logged in: qpc account register, or qpc account login")

// sessions are the tokens of our sessions at relays.
type sessions struct {
	mu   sync.Mutex // guards the fields below
	m    map[transport.Key][]byte
	came chan struct{} // closed when the next one comes
}

func (s *sessions) init() {
	s.m, s.came = make(map[transport.Key][]byte), make(chan struct{})
}

// next is closed when a session comes after this, at whatever relay.
func (s *sessions) next() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.came
}

func (s *sessions) of(k transport.Key) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.m[k]
}

func (s *sessions) set(k transport.Key, token []byte) {
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

// token is the access token of a call to a machine: our session there, else the
// key that TLS proves.
func (s *sessions) token(k transport.Key) []byte {
	if token := s.of(k); token != nil {
		return rpc.SessionToken(token)
	}
	return []byte{byte(rpc.TokenTLS)}
}

// SetSession uses a session at a relay from now on, none if token is empty. What
// waited for one goes on.
func (d *Deliverer) SetSession(k transport.Key, token []byte) {
	d.sessions.set(k, token)
	d.relays.mu.Lock()
	defer d.relays.mu.Unlock()
	if r := d.relays.m[k]; r != nil {
		signal(r.refresh)
	}
}

// Relay returns a client of a relay, ours or not.
func (d *Deliverer) Relay(ctx context.Context, u transport.RelayURL) (*rpc.Client, error) {
	if !d.ready() {
		return nil, errClosed
	}
	d.host.Learn(u.Key, transport.SourceUser, u.Addrs())
	ln, err := d.links.get(ctx, u.Key)
	if err != nil {
		return nil, err
	}
	return ln.conn.Client(), nil
}

// ErrSession means that a relay wanted a session of ours, and that none came in time.
var ErrSession = errors.New("this relay answers who is logged in there")

// AsUser makes a call at a relay, ours or not, in our name. Where the relay wants a
// session and we have none, or one that has ended, the call waits for a login, for
// accountPause at most, and is made again; then it is ErrSession.
func (d *Deliverer) AsUser(ctx context.Context, u transport.RelayURL, call func(context.Context, *rpc.Client) error) error {
	return d.sessions.await(ctx, func() error {
		c, err := d.Relay(ctx, u)
		if err != nil {
			return err
		}
		err = call(ctx, c)
		if d.endedSession(ctx, u.Key, err) {
			err = call(ctx, c) // for this our key may do
		}
		return err
	})
}

// await makes a call, and again after each login while it is refused for want of a
// session.
func (s *sessions) await(ctx context.Context, call func() error) error {
	patience := time.NewTimer(accountPause)
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

// refused puts an error of want of a session into words. One that has ended is
// forgotten: at an open relay the key alone will do.
func (r *home) refused(ctx context.Context, err error) error {
	if errors.Is(err, rpc.ErrAccount) {
		return errAccount
	}
	if !r.d.endedSession(ctx, r.url.Key, err) {
		return err
	}
	return errors.New("the session at this relay has ended: qpc account login")
}

// endedSession reports whether an error of a relay means that our session there has
// ended, and forgets the session then.
func (d *Deliverer) endedSession(ctx context.Context, relay transport.Key, err error) bool {
	token := d.sessions.of(relay)
	if token == nil || !errors.Is(err, rpc.ErrUnauthenticated) {
		return false
	}
	failed := d.cfg.Store.Update(ctx, func(tx *store.Tx) error { return tx.EndSession(relay, token) })
	if failed != nil {
		d.cfg.Log.Error("end session", "err", failed)
	}
	d.sessions.end(relay, token)
	return true
}

// end forgets a session if it is still that one.
func (s *sessions) end(k transport.Key, token []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if bytes.Equal(s.m[k], token) {
		delete(s.m, k)
	}
}
