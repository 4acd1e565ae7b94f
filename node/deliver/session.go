package deliver

import (
	"context"
	"errors"

	"quicnprotochat/node/deliver/links"
	"quicnprotochat/node/store"
	"quicnprotochat/rpc"
	"quicnprotochat/transport"
)

// errAccount is what people read of a relay that refuses us for want of a session.
var errAccount = errors.New("this relay keeps mail only for who has an account there and is logged in: qpc account register, or qpc account login")

// SetSession uses a session at a relay from now on, none if token is empty. What
// waited for one goes on.
func (d *Deliverer) SetSession(k transport.Key, token []byte) {
	d.sessions.Set(k, token)
	d.relays.Refresh(k)
}

// Relay returns a client of a relay, ours or not.
func (d *Deliverer) Relay(ctx context.Context, u transport.RelayURL) (*rpc.Client, error) {
	if !d.ready() {
		return nil, links.ErrClosed
	}
	d.host.Learn(u.Key, transport.SourceUser, u.Addrs())
	ln, err := d.links.Get(ctx, u.Key)
	if err != nil {
		return nil, err
	}
	return ln.Client(), nil
}

// AsUser makes a call at a relay, ours or not, in our name. Where the relay wants a
// session and we have none, or one that has ended, the call waits for a login, for
// sessions.Patience at most, and is made again; then it is sessions.ErrSession.
func (d *Deliverer) AsUser(ctx context.Context, u transport.RelayURL, call func(context.Context, *rpc.Client) error) error {
	return d.sessions.Await(ctx, func() error {
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

// refused puts an error of want of a session into words. One that has ended is
// forgotten: at an open relay the key alone will do.
func (r *visit) refused(ctx context.Context, err error) error {
	if errors.Is(err, rpc.ErrAccount) {
		return errAccount
	}
	if !r.d.endedSession(ctx, r.URL.Key, err) {
		return err
	}
	return errors.New("the session at this relay has ended: qpc account login")
}

// endedSession reports whether an error of a relay means that our session there has
// ended, and forgets the session then.
func (d *Deliverer) endedSession(ctx context.Context, relay transport.Key, err error) bool {
	token := d.sessions.Of(relay)
	if token == nil || !errors.Is(err, rpc.ErrUnauthenticated) {
		return false
	}
	failed := d.cfg.Store.Update(ctx, func(tx *store.Tx) error { return tx.EndSession(relay, token) })
	if failed != nil {
		d.cfg.Log.Error("end session", "err", failed)
	}
	d.sessions.End(relay, token)
	return true
}
