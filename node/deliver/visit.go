package deliver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"quicnprotochat/node/deliver/homes"
	"quicnprotochat/node/deliver/links"
	"quicnprotochat/node/deliver/sessions"
	"quicnprotochat/rpc"
	"quicnprotochat/transport"
)

const (
	// mailWait is how long one peekWait waits at a relay.
	mailWait = rpc.MaxWait
	// mailPause is the least time between two answers of a relay that there is no
	// mail: it should wait by itself.
	mailPause = time.Second
	// mailLimit is how many payloads one answer brings.
	mailLimit = 100
	// stockAtRelay is how many key packages a relay is kept filled with.
	stockAtRelay = 20
	// homeUpkeep is the time between two looks at what a home relay holds of us.
	homeUpkeep = 30 * time.Minute
	// twinEvery is the time between two looks at who else publishes our endpoint.
	twinEvery = 10 * time.Minute
)

// AddRelay begins to keep in touch with a home relay. It returns at once.
func (d *Deliverer) AddRelay(url transport.RelayURL) { d.relays.Add(url) }

// ForgetRelay ends it.
func (d *Deliverer) ForgetRelay(k transport.Key) { d.relays.Forget(k) }

// HomeRelays returns the state of our own relays, by URL.
func (d *Deliverer) HomeRelays() []homes.State { return d.relays.States() }

// withdraw replaces our endpoint by one without addresses at each relay that is
// reached, within a second.
func (d *Deliverer) withdraw() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	record, err := d.cfg.Profile.Endpoint(ctx, false, d.cfg.Store.Now())
	if err != nil {
		d.cfg.Log.Warn("make endpoint", "err", err)
		return
	}
	var wg sync.WaitGroup
	for _, k := range d.relays.Keys() {
		ln := d.links.Now(k)
		if ln == nil {
			continue
		}
		wg.Go(func() {
			if err := ln.Client().PublishEndpoint(ctx, d.self, record); err != nil {
				d.cfg.Log.Info("take back endpoint", "relay", k, "err", err)
			}
		})
	}
	wg.Wait()
}

// visit is a visit at one of our relays.
type visit struct {
	d *Deliverer
	*homes.Visit
}

// visit is done at each of our relays, again and again.
func (d *Deliverer) visit(ctx context.Context, v *homes.Visit) error {
	d.host.Learn(v.URL.Key, transport.SourceUser, v.URL.Addrs())
	r := &visit{d, v}
	worn, err := r.stay(ctx)
	for worn && ctx.Err() == nil {
		worn, err = r.stay(ctx)
	}
	return r.refused(ctx, err)
}

// visitPatience is how long a login is waited for where one is needed.
func visitPatience(err error) time.Duration {
	if errors.Is(err, errAccount) {
		return sessions.Patience // a login ends it
	}
	return 0
}

// stay connects, brings what the relay must hold of us and takes the mail,
// until something fails, or the connection is worn: then it is made anew.
func (r *visit) stay(ctx context.Context) (worn bool, err error) {
	ln, err := r.d.links.Get(ctx, r.URL.Key)
	if err != nil {
		return false, err
	}
	r.Reached()
	r.d.cfg.Log.Info("home relay reached", "relay", r.URL.Key)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ends := make(chan error, 2) // room for both: neither is left behind
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	wg.Go(func() { ends <- r.mail(ctx, ln) })
	wg.Go(func() { ends <- r.present(ctx, ln.Client()) })
	select {
	case err = <-ends:
	case <-ln.Done():
		err = errors.New("connection lost")
	}
	return ln.Worn(), err
}

// mail takes what the relay keeps for us: commit here, then acknowledge there.
func (r *visit) mail(ctx context.Context, ln *links.Link) error {
	c := ln.Client()
	after := uint64(0)
	for {
		pause := time.After(mailPause)
		mail, err := c.Peek(ctx, r.d.self, rpc.Channel{}, after, mailLimit, mailWait)
		if err != nil {
			return fmt.Errorf("take mail: %w", err)
		}
		if len(mail) == 0 {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-pause:
				continue
			}
		}
		ln.Use(0)
		last := mail[len(mail)-1].Seq
		if last <= after {
			return fmt.Errorf("take mail: relay counts backwards, from %d to %d", after, last)
		}
		if err := r.d.inbox.TakeMail(ctx, mail); err != nil {
			return err
		}
		if err := c.Ack(ctx, r.d.self, rpc.Channel{}, last); err != nil {
			return fmt.Errorf("acknowledge mail: %w", err)
		}
		after = last
	}
}

// present keeps our endpoint, hybrid key and key packages at the relay.
func (r *visit) present(ctx context.Context, c *rpc.Client) error {
	tick, twins := time.NewTicker(homeUpkeep), time.NewTicker(twinEvery)
	defer tick.Stop()
	defer twins.Stop()
	var hybrid []byte
	for look := true; ; {
		if err := r.compare(ctx, c); err != nil {
			return err
		}
		now := r.d.cfg.Store.Now()
		record, err := r.d.cfg.Profile.Endpoint(ctx, true, now)
		if err != nil {
			return err
		}
		if err := c.PublishEndpoint(ctx, r.d.self, record); err != nil {
			return fmt.Errorf("publish endpoint: %w", err)
		}
		blob, err := r.d.cfg.Keys.Hybrid(ctx, now)
		if err != nil {
			return err
		}
		if !bytes.Equal(blob, hybrid) {
			if err := c.UploadHybridKey(ctx, r.d.self, blob); err != nil {
				return fmt.Errorf("upload hybrid key: %w", err)
			}
			hybrid = blob
		}
		if err := r.stock(ctx, c, now); err != nil {
			return err
		}
		// Last: it may take as long as a dial, and others need the keys.
		if look {
			if err := r.tryPass(ctx, now); err != nil {
				return err
			}
		}
		for waits := true; waits; {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-twins.C:
				if err := r.compare(ctx, c); err != nil {
					return err
				}
			case <-tick.C:
				look, waits = true, false
			case <-r.Refresh:
				look, waits = false, false
			}
		}
	}
}

// stock fills the relay's store of our key packages.
func (r *visit) stock(ctx context.Context, c *rpc.Client, now time.Time) error {
	pending, err := r.d.cfg.Keys.Stock(ctx, r.URL.Key, stockAtRelay, now)
	if err != nil || len(pending) == 0 {
		return err
	}
	for i, p := range pending {
		if _, err := c.UploadKeyPackage(ctx, r.d.self, p.Package); err != nil {
			return errors.Join(fmt.Errorf("upload key package: %w", err), r.d.cfg.Keys.Placed(ctx, pending[:i]))
		}
	}
	return r.d.cfg.Keys.Placed(ctx, pending)
}
