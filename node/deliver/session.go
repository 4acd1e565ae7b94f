package deliver

import (
	"bytes"
	"context"
	"errors"
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
	mu sync.Mutex
	m  map[transport.Key][]byte
}

func (s *sessions) init() { s.m = make(map[transport.Key][]byte) }

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
