package deliver

import (
	"context"
	"errors"
	"sync"
	"time"

	"quicnprotochat/node/deliver/asked"
	"quicnprotochat/node/deliver/links"
	"quicnprotochat/node/profile"
	"quicnprotochat/node/store"
	"quicnprotochat/rpc"
	"quicnprotochat/transport"
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
func (r *visit) compare(ctx context.Context, c *rpc.Client) error {
	record, err := c.ResolveEndpoint(ctx, r.d.self)
	if err != nil {
		r.d.cfg.Log.Info("look for our endpoint", "relay", r.URL.Key, "err", err)
		return ctx.Err()
	}
	if _, err := r.d.judge(ctx, record); err != nil {
		return err
	}
	r.d.sure.open()
	return nil
}

// judge compares what somebody keeps as our endpoint with what we have published, and
// acts on it.
func (d *Deliverer) judge(ctx context.Context, record []byte) (t profile.Twin, err error) {
	if t, err = d.cfg.Profile.Compare(ctx, record); err == nil && t != profile.NoTwin {
		err = d.cfg.Twin(ctx, t)
	}
	return t, err
}

// willAsk notes that a contact's machine will be asked what it keeps as our endpoint.
func (d *Deliverer) willAsk(k transport.Key) {
	if _, ok := d.people.Of(rpc.Identity(k)); ok {
		d.asked.Begin(k)
	}
}

// Asked waits until the machine of a contact has said what it keeps as our endpoint, if
// it is connected: until then it gets no other.
func (d *Deliverer) Asked(ctx context.Context, id rpc.Identity) error {
	if err := d.asked.Wait(ctx, transport.Key(id)); !errors.Is(err, asked.ErrAfresh) {
		return err
	}
	return nil
}

// Kept returns the endpoint that was seen last of a contact, nil if there is none.
func (d *Deliverer) Kept(ctx context.Context, id rpc.Identity) (record []byte, err error) {
	err = d.cfg.Store.Glance(ctx, func(tx *store.Tx) error {
		record, _, err = tx.EndpointRecord(id)
		return err
	})
	if store.IsNotFound(err) {
		err = nil
	}
	return record, err
}

// askKept asks a contact's machine what it keeps as our endpoint, at once and then now
// and then, as long as it is connected. One that refuses to say keeps none.
func (d *Deliverer) askKept(ctx context.Context, ln *links.Link) {
	if _, ok := d.people.Of(rpc.Identity(ln.Key)); !ok {
		return
	}
	for {
		call, cancel := context.WithTimeout(ctx, links.CallTime)
		record, err := ln.Client().ResolveEndpoint(call, d.self)
		silent := call.Err() != nil || errors.Is(err, rpc.ErrDisconnected) || errors.Is(err, rpc.ErrBusy)
		cancel()
		pause := time.Second
		if !silent {
			if t, err := d.judge(ctx, record); err == nil {
				d.asked.End(ln.Key, t != profile.NoTwin && t != profile.Overtaken)
				pause = twinEvery
			}
		}
		select {
		case <-time.After(pause):
		case <-ln.Done():
			return
		case <-ctx.Done():
			return
		}
	}
}
