package deliver

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"quicnprotochat/node/deliver/links"
	"quicnprotochat/node/deliver/people"
	"quicnprotochat/node/store"
	"quicnprotochat/rpc"
	"quicnprotochat/transport"
)

// atRelay makes a call about a person at one of its relays. With a pass of the
// person it says nothing of who we are; where there is none, or the relay does not
// take it, and where our network blocks UDP, without which no connection says so
// little, we call in our own name. call is told whether the relay is not told who we
// are, and may be made more than once.
func (d *Deliverer) atRelay(ctx context.Context, p people.Person, u transport.RelayURL, call func(ctx context.Context, w *links.Wire, sealed bool) error) error {
	pass, hello, err := d.passAt(ctx, p, u.Key)
	if err != nil {
		return err
	}
	if pass != nil && !d.links.NoUDP() {
		before := d.links.Now(u.Key)
		switch err := d.callSealed(ctx, u, pass, call); {
		case err == nil:
			return nil
		case refusesPass(err), hello && errors.Is(err, rpc.ErrTooLarge):
			d.cfg.Log.Info("relay refuses the pass of a contact", "relay", u.Key, "err", err)
			d.sealed.Refuse(u.Key, pass, err)
		case !errors.As(err, new(notReached)) || before == nil || d.links.Now(u.Key) != before:
			return err
			// A relay that answers us otherwise serves no QUIC without libp2p.
		}
	}
	ln, err := d.links.Get(ctx, u.Key)
	if err != nil {
		return err
	}
	defer ln.Expect()()
	err = call(ctx, ln.Wire, false)
	if d.endedSession(ctx, u.Key, err) {
		err = call(ctx, ln.Wire, false) // for this our key will do
	}
	if errors.Is(err, rpc.ErrDisconnected) {
		ln.Drop()
	}
	return err
}

// passAt returns the pass of a person for a relay, nil if there is none that is of
// use. Before the person gave us one, hello is true: it is that of the link, and good
// for little.
func (d *Deliverer) passAt(ctx context.Context, p people.Person, relay transport.Key) (pass []byte, hello bool, err error) {
	now := d.cfg.Store.Now()
	err = d.cfg.Store.Glance(ctx, func(tx *store.Tx) error {
		given, err := tx.PassAt(p.ID, relay)
		switch {
		case store.IsNotFound(err):
			hello = slices.Contains(p.Sealed, relay) && !p.Hello.IsZero() && now.Before(p.Hello.Expiry)
			return nil
		case err == nil && now.Before(given.Expiry):
			pass = given.Pass
		}
		return err
	})
	if err != nil {
		return nil, false, fmt.Errorf("read pass: %w", err)
	}
	if hello {
		pass = p.Hello.Encode()
	}
	if pass == nil || !d.sealed.Takes(relay, pass) {
		return nil, false, nil
	}
	return pass, hello, nil
}

// notReached is that no connection came about.
type notReached struct{ error }

// Unwrap returns why.
func (e notReached) Unwrap() error { return e.error }

// refusesPass reports whether an error says that the pass is of no use there. Those
// who know nothing of passes answer as to an unknown token.
func refusesPass(err error) bool {
	return errors.Is(err, rpc.ErrPass) || errors.Is(err, rpc.ErrUnauthenticated) || errors.Is(err, rpc.ErrNotOffered)
}

// callSealed makes a call on a connection of its own, which shows a pass and
// nothing else, and is given up when it is dead.
func (d *Deliverer) callSealed(ctx context.Context, u transport.RelayURL, pass []byte, call func(ctx context.Context, w *links.Wire, sealed bool) error) error {
	s, err := transport.DialPlain(ctx, d.cfg.Plain, u)
	if err != nil {
		d.sealed.Answered(u.Key, false)
		return notReached{err}
	}
	conn := rpc.NewConn(s, rpc.ConnConfig{
		Peer:   rpc.Peer{Identity: rpc.Identity(u.Key), Proven: true, Remote: s.RemoteHost()},
		Token:  func() []byte { return rpc.PassToken(pass) },
		Budget: d.budget,
		Log:    d.cfg.Log.With("relay", u.Key),
	})
	w := links.NewWire(conn, s.RTT)
	var guard sync.WaitGroup
	guard.Go(func() {
		if w.Dies(ctx) {
			d.cfg.Log.Debug("connection is dead", "relay", u.Key)
			_ = s.Close()
		}
	})
	over := w.Expect()
	err = call(ctx, w, true)
	over()
	_ = conn.Close()
	guard.Wait()
	if d.sealed.Answered(u.Key, !errors.Is(err, rpc.ErrDisconnected)) {
		d.relayUp(u.Key)
	}
	return err
}

// tryPass finds out whether the relay takes the passes that we would give our
// contacts: it shows one of them, as they would, and asks for our own endpoint.
func (r *visit) tryPass(ctx context.Context, now time.Time) error {
	var pass []byte
	err := r.d.cfg.Store.Glance(ctx, func(tx *store.Tx) (err error) {
		pass, err = r.d.cfg.Profile.Pass(tx, r.URL.Key, now)
		return err
	})
	if err != nil {
		return fmt.Errorf("make pass: %w", err)
	}
	err = r.d.callSealed(ctx, r.URL, pass, func(ctx context.Context, w *links.Wire, _ bool) error {
		_, err := w.Client().ResolveEndpoint(ctx, r.d.self)
		return err
	})
	if err != nil && !refusesPass(err) {
		r.d.cfg.Log.Info("passes not tried at home relay", "relay", r.URL.Key, "err", err)
		return nil
	}
	return r.d.cfg.Engine.TakesPasses(ctx, r.URL.Key, err == nil)
}
