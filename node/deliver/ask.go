package deliver

import (
	"context"
	"sync"
	"time"

	"quicnprotochat/node/deliver/links"
	"quicnprotochat/node/deliver/people"
	"quicnprotochat/node/tries"
	"quicnprotochat/rpc"
	"quicnprotochat/transport"
)

// ask calls a person's machine and, after the hedge or when that fails, its
// relays, until one call returns no error; else it is a *tries.Failure. call asks and
// uses what it got: an answer that is of no use must not keep those of others out. It
// may run in several goroutines at once.
func ask(ctx context.Context, d *Deliverer, p people.Person, call func(context.Context, *rpc.Client) error) error {
	ctx, cancel := context.WithTimeout(ctx, links.DialTime+links.CallTime)
	var wg sync.WaitGroup
	defer wg.Wait() // soon: all of it ends with ctx
	defer cancel()
	answers := make(chan tries.AtRelay, 1+len(p.Relays)) // never blocks; of no relay: the machine's
	wg.Go(func() {
		answers <- tries.AtRelay{Err: d.atMachine(ctx, p.Host, call)}
	})
	relays := p.Relays
	begun, ended := 1, 0
	hedge := time.NewTimer(d.links.Hedge(p.Host))
	defer hedge.Stop()
	failed := &tries.Failure{Alone: len(relays) == 0}
	for {
		select {
		case a := <-answers:
			switch {
			case a.Err == nil:
				return nil
			case a.At == transport.RelayURL{}:
				failed.Machine = a.Err
			default:
				failed.Relays = append(failed.Relays, a)
			}
			ended++
		case <-hedge.C:
		}
		for _, u := range relays {
			wg.Go(func() {
				err := d.atRelay(ctx, p, u, func(ctx context.Context, w *links.Wire, _ bool) error { return call(ctx, w.Client()) })
				answers <- tries.AtRelay{At: u, Err: err}
			})
			begun++
		}
		relays = nil
		if ended == begun {
			return failed
		}
	}
}

// atMachine makes a call of a person's own machine.
func (d *Deliverer) atMachine(ctx context.Context, k transport.Key, call func(context.Context, *rpc.Client) error) error {
	ln, err := d.links.Get(ctx, k)
	if err != nil {
		return err
	}
	defer ln.Expect()()
	return call(ctx, ln.Client())
}

// Client returns a client of another machine, over the live link or one that is
// made now, whatever failed before. If the live link does not answer, drop lets go
// of it.
func (d *Deliverer) Client(ctx context.Context, k transport.Key) (c *rpc.Client, drop func(), err error) {
	if !d.ready() {
		return nil, nil, links.ErrClosed
	}
	d.links.Forgive(k)
	ln, err := d.links.Get(ctx, k)
	if err != nil {
		return nil, nil, err
	}
	return ln.Client(), ln.Drop, nil
}

// nameLinger is how long a connection is kept that was made to ask for a name: the other
// side may be asking the same over it.
const nameLinger = 5 * time.Second

// NameOf asks a machine what its user is called, "" if it does not say. A connection that
// is made for that is closed soon after, unless the person is a contact by then.
func (d *Deliverer) NameOf(ctx context.Context, k transport.Key) (string, error) {
	before := d.links.Now(k)
	c, drop, err := d.Client(ctx, k)
	if err != nil {
		return "", err
	}
	if before == nil {
		d.tasks.Run(func(ctx context.Context) {
			select {
			case <-time.After(nameLinger):
			case <-ctx.Done():
				return
			}
			if _, ok := d.people.Of(rpc.Identity(k)); !ok {
				drop()
				d.host.Disconnect(k)
			}
		})
	}
	return c.ResolveIdentity(ctx, rpc.Identity(k))
}

// Places returns the machine of a contact and the relays that keep mail for it.
func (d *Deliverer) Places(id rpc.Identity) (host transport.Key, relays []transport.RelayURL) {
	p, ok := d.people.Of(id)
	if !ok {
		p.Host = transport.Key(id)
	}
	return p.Host, p.Relays
}

// Tried returns what was tried lately for a person, and when the next try is due by
// the clock; zero if none is planned.
func (d *Deliverer) Tried(id rpc.Identity) (list []tries.Try, next time.Time) {
	return d.tries.Since(id, time.Time{}), d.tries.Next(id)
}
