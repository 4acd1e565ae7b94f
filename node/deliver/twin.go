package deliver

import (
	"context"
	"sync"
	"time"

	"quicnprotochat/node/profile"
	"quicnprotochat/rpc"
)

// sureTime is how long after a start it is waited for a home relay to say whether this
// home is an older copy. After that there may be none that tells.
const sureTime = time.Second

// sure is whether we may go on with the keys in the store: once a home relay has been
// asked what our identity has published last, or sureTime is over.
type sure struct {
	once sync.Once
	ch   chan struct{}
}

func (s *sure) open() { s.once.Do(func() { close(s.ch) }) }

// Sure waits until it is known whether another home has used our keys, as far as it can
// be known, or ctx ends. Who takes a step of a ratchet on account of the user calls it
// first.
func (d *Deliverer) Sure(ctx context.Context) error {
	select {
	case <-d.sure.ch:
		return nil
	case <-d.closed:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// beSure opens the gate of Sure when it is time.
func (d *Deliverer) beSure(ctx context.Context) {
	if len(d.relays.Keys()) == 0 {
		d.sure.open()
		return
	}
	timer := time.NewTimer(sureTime)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-d.sure.ch:
	case <-timer.C:
		d.sure.open()
	}
}

// compare looks at what the relay holds as our endpoint, before it gets a new one. An
// error of the relay says nothing; those of the answer end the visit.
func (r *home) compare(ctx context.Context, c *rpc.Client) error {
	record, err := c.ResolveEndpoint(ctx, r.d.self)
	if err != nil {
		r.d.cfg.Log.Info("look for our endpoint", "relay", r.URL.Key, "err", err)
		return ctx.Err()
	}
	t, err := r.d.cfg.Profile.Compare(ctx, record, r.d.cfg.Store.Now())
	if err != nil {
		return err
	}
	if t != profile.NoTwin {
		if err := r.d.cfg.Twin(ctx, t); err != nil {
			return err
		}
	}
	r.d.sure.open()
	return nil
}
