package race

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"quicnprotochat/node/deliver/links"
	"quicnprotochat/node/tries"
	"quicnprotochat/rpc"
	"quicnprotochat/transport"
)

// way is one of the places that items are brought to.
type way struct {
	relay transport.RelayURL // zero: the person's own machine
	began time.Time
}

func (w way) direct() bool { return w.relay == (transport.RelayURL{}) }

// ack says that somebody has taken an item, and how the machine was connected, or
// that the relay was not told who sends it.
type ack struct {
	way
	item   int
	path   transport.Path
	sealed bool
}

// end says that one way has no more to bring.
type end struct {
	way
	err error
}

func (r *race) begin(ctx context.Context, w way, run func(ctx context.Context, w way) error) {
	r.running++
	t := tries.Try{Way: tries.Machine, At: w.began, Result: tries.NoAnswer}
	wg := &r.stray
	if !w.direct() {
		r.atRelays++
		t.Way, t.Relay = tries.Relay, w.relay.Key
		wg = &r.wg
	}
	r.cfg.Tries.Note(r.p.ID, t)
	wg.Go(func() {
		err := run(ctx, w)
		select {
		case r.ends <- end{w, err}:
		case <-ctx.Done():
		}
	})
}

func (r *race) ended(e end) {
	r.running--
	t := tries.Try{Way: tries.Machine, At: e.began, Took: time.Since(e.began)}
	switch {
	case !e.direct():
		r.atRelays--
		t.Way, t.Relay = tries.Relay, e.relay.Key
	case e.began.Equal(r.trying):
		r.trying = time.Time{}
	}
	if e.err != nil {
		t.Result = tries.Plain(e.err)
		r.cfg.Tries.Note(r.p.ID, t)
	}
}

func (r *race) beginDirect(ctx context.Context) {
	r.trying = time.Now()
	r.begin(ctx, way{began: r.trying}, r.goDirect)
}

func (r *race) beginRelays(ctx context.Context, relays []transport.RelayURL) {
	for _, url := range relays {
		r.begin(ctx, way{url, time.Now()}, r.goRelay)
	}
}

// beginAgain begins once more at the relays that failed and to which there is a new link
// since: that it is clear that nobody answers at the machine can take long.
func (r *race) beginAgain(ctx context.Context) {
	var back []transport.RelayURL
	r.failure.Relays = slices.DeleteFunc(r.failure.Relays, func(f tries.AtRelay) bool {
		ln := r.cfg.Links.Now(f.At.Key)
		up := ln != nil && ln.Since.After(r.lost[f.At.Key])
		if up {
			back = append(back, f.At)
		}
		return up
	})
	r.beginRelays(ctx, back)
}

// goDirect hands the items to the person's own machine.
func (r *race) goDirect(ctx context.Context, w way) error {
	ln, err := r.cfg.Links.Get(ctx, r.p.Host)
	if err != nil {
		return err
	}
	if err := r.cfg.Asked.Wait(ctx, ln.Key); err != nil {
		return err
	}
	r.direct.Store(ln)
	err = r.send(ctx, ln.Wire, ack{way: w, path: ln.Path})
	if errors.Is(err, rpc.ErrDisconnected) {
		ln.Drop()
	}
	return err
}

// fromNobody is what is said of a relay behind what it did.
const fromNobody = ", and was not told from whom it is"

// goRelay leaves the items at one relay, again if its connection is made anew meanwhile.
func (r *race) goRelay(ctx context.Context, w way) error {
	bring := func(ctx context.Context, at *links.Wire, sealed bool) error {
		return r.send(ctx, at, ack{way: w, sealed: sealed})
	}
	ln := r.cfg.Links.Now(w.relay.Key)
	err := r.cfg.AtRelay(ctx, r.p, w.relay, bring)
	if err != nil && ln != nil && ln.Worn() {
		err = r.cfg.AtRelay(ctx, r.p, w.relay, bring)
	}
	return err
}

// send enqueues all items over a wire, many at once but begun in order, and tells
// of each by a copy of a.
func (r *race) send(ctx context.Context, at *links.Wire, a ack) error {
	errs := make([]error, len(r.items))
	var wg sync.WaitGroup
	for i, it := range r.items {
		at.Use(len(it.Payload))
		answer := r.enqueue(ctx, at.Client(), a, it)
		wg.Go(func() {
			errs[i] = answer()
			at.Use(-len(it.Payload))
			if errs[i] != nil {
				return
			}
			at.Answered()
			a := a
			a.item = i
			select {
			case r.acks <- a:
			case <-ctx.Done():
				errs[i] = ctx.Err()
			}
		})
	}
	wg.Wait()
	return cmp.Or(errs...)
}

// enqueue begins to bring one item. What is for others as well goes to a relay that
// knows us with theirs.
func (r *race) enqueue(ctx context.Context, c *rpc.Client, a ack, it Item) (answer func() error) {
	if it.Shared && !a.direct() && !a.sealed {
		return func() error { return r.desk.Leave(ctx, a.relay.Key, c, r.p.ID, it.Payload) }
	}
	wait := c.StartEnqueue(ctx, r.p.ID, rpc.Channel{}, it.Payload)
	return func() error {
		_, err := wait()
		return err
	}
}
