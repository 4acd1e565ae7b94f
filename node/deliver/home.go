package deliver

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"quicnprotochat/rpc"
	"quicnprotochat/transport"
)

const (
	// mailWait is how long one peekWait waits at a relay.
	mailWait = rpc.MaxWait
	// mailPause is the least time between two answers of a relay that there is no
	// mail: it should wait by itself.
	mailPause = time.Second
	// homePause is the time within which a relay that was lost is dialled again. All
	// who lose it at once spread over it, so that it is not lost again. It is
	// doubled at each failure; steady is how long a visit lasts that was none.
	homePause = 5 * time.Second
	steady    = 30 * time.Second
	// mailLimit is how many payloads one answer brings.
	mailLimit = 100
	// stockAtRelay is how many key packages a relay is kept filled with.
	stockAtRelay = 20
	// homeUpkeep is the time between two looks at what a home relay holds of us.
	homeUpkeep = 30 * time.Minute
)

// HomeRelay is the state of one of our own relays.
type HomeRelay struct {
	URL     transport.RelayURL
	Reached bool
	// Error says why it is not reached, "" if it is or was not tried yet.
	Error string
}

// homeRelays are the relays that keep mail for us.
type homeRelays struct {
	d *Deliverer

	mu sync.Mutex
	m  map[transport.Key]*home
}

// home is one of our own relays.
type home struct {
	d       *Deliverer
	url     transport.RelayURL
	begun   bool          // guarded by homeRelays.mu
	quit    chan struct{} // closed when the relay is forgotten
	refresh chan struct{} // capacity 1: present ourselves again

	mu      sync.Mutex
	reached bool
	err     error
}

func (h *homeRelays) init(d *Deliverer) {
	h.d = d
	h.m = make(map[transport.Key]*home)
}

// AddRelay begins to keep in touch with a home relay. It returns at once.
func (d *Deliverer) AddRelay(url transport.RelayURL) {
	h := &d.relays
	h.mu.Lock()
	defer h.mu.Unlock()
	if old := h.m[url.Key]; old != nil {
		if old.url == url {
			return
		}
		close(old.quit)
	}
	r := &home{d: d, url: url, quit: make(chan struct{}), refresh: make(chan struct{}, 1)}
	h.m[url.Key] = r
	if d.running() {
		r.start()
	}
	h.refresh()
}

// ForgetRelay ends it.
func (d *Deliverer) ForgetRelay(k transport.Key) {
	h := &d.relays
	h.mu.Lock()
	defer h.mu.Unlock()
	if r := h.m[k]; r != nil {
		close(r.quit)
		delete(h.m, k)
		h.refresh()
	}
}

// HomeRelays returns the state of our own relays, by URL.
func (d *Deliverer) HomeRelays() []HomeRelay {
	h := &d.relays
	h.mu.Lock()
	defer h.mu.Unlock()
	var all []HomeRelay
	for _, r := range h.m {
		r.mu.Lock()
		state := HomeRelay{URL: r.url, Reached: r.reached}
		if r.err != nil {
			state.Error = r.err.Error()
		}
		r.mu.Unlock()
		all = append(all, state)
	}
	slices.SortFunc(all, func(a, b HomeRelay) int { return cmp.Compare(a.URL.String(), b.URL.String()) })
	return all
}

// start begins with all relays known when Run starts.
func (h *homeRelays) start() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, r := range h.m {
		if !r.begun {
			r.start()
		}
	}
}

// publish lets each relay get our endpoint again.
func (h *homeRelays) publish() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.refresh()
}

// keys returns those of all.
func (h *homeRelays) keys() []transport.Key {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Collect(maps.Keys(h.m))
}

// refresh is publish with h.mu held.
func (h *homeRelays) refresh() {
	signal(h.d.moved)
	for _, r := range h.m {
		signal(r.refresh)
	}
}

// leave replaces our endpoint by one without addresses at each relay that is
// reached, within a second.
func (h *homeRelays) leave() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	record, err := h.d.cfg.Profile.Endpoint(ctx, false, h.d.cfg.Store.Now())
	if err != nil {
		h.d.cfg.Log.Warn("make endpoint", "err", err)
		return
	}
	h.mu.Lock()
	all := make([]*home, 0, len(h.m))
	for _, r := range h.m {
		all = append(all, r)
	}
	h.mu.Unlock()
	var wg sync.WaitGroup
	for _, r := range all {
		ln := h.d.links.now(r.url.Key)
		if ln == nil {
			continue
		}
		wg.Go(func() {
			if err := ln.conn.Client().PublishEndpoint(ctx, h.d.self, record); err != nil {
				h.d.cfg.Log.Info("take back endpoint", "relay", r.url.Key, "err", err)
			}
		})
	}
	wg.Wait()
}

func (r *home) start() {
	r.begun = true
	r.d.host.Learn(r.url.Key, transport.SourceUser, r.url.Addrs())
	r.d.tasks.run(func(ctx context.Context) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		r.d.tasks.run(func(context.Context) {
			select {
			case <-r.quit:
				cancel()
			case <-ctx.Done():
			}
		})
		r.keep(ctx)
	})
}

func (r *home) note(reached bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reached, r.err = reached, err
}

// keep stays in touch with the relay until ctx ends.
func (r *home) keep(ctx context.Context) {
	pause := time.Duration(0)
	for ctx.Err() == nil {
		began := time.Now()
		err := r.visit(ctx)
		if ctx.Err() != nil {
			return
		}
		err = r.refused(ctx, err)
		r.note(false, err)
		r.d.cfg.Log.Warn("home relay not reached", "relay", r.url.Key, "err", err)
		if time.Since(began) > steady {
			pause = 0
		}
		pause = min(max(2*pause, homePause), time.Minute)
		if errors.Is(err, errAccount) {
			pause = accountPause // a login ends it
		}
		timer := time.NewTimer(homeWait(pause))
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-r.refresh:
		}
		timer.Stop()
	}
}

// homeWait is when, within a time, a relay is dialled again.
func homeWait(pause time.Duration) time.Duration { return rand.N(pause) }

// visit connects, brings what the relay must hold of us and takes the mail,
// until something fails.
func (r *home) visit(ctx context.Context) error {
	ln, err := r.d.links.get(ctx, r.url.Key)
	if err != nil {
		return err
	}
	r.note(true, nil)
	r.d.cfg.Log.Info("home relay reached", "relay", r.url.Key)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ends := make(chan error, 2) // room for both: neither is left behind
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	wg.Go(func() { ends <- r.mail(ctx, ln) })
	wg.Go(func() { ends <- r.present(ctx, ln.conn.Client()) })
	select {
	case err = <-ends:
	case <-ln.conn.Done():
		err = errors.New("connection lost")
	}
	return err
}

// mail takes what the relay keeps for us: commit here, then acknowledge there.
func (r *home) mail(ctx context.Context, ln *link) error {
	c := ln.conn.Client()
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
		ln.use(0)
		last := mail[len(mail)-1].Seq
		if last <= after {
			return fmt.Errorf("take mail: relay counts backwards, from %d to %d", after, last)
		}
		if err := r.d.takeMail(ctx, mail); err != nil {
			return err
		}
		if err := c.Ack(ctx, r.d.self, rpc.Channel{}, last); err != nil {
			return fmt.Errorf("acknowledge mail: %w", err)
		}
		after = last
	}
}

// present keeps our endpoint, hybrid key and key packages at the relay.
func (r *home) present(ctx context.Context, c *rpc.Client) error {
	tick := time.NewTicker(homeUpkeep)
	defer tick.Stop()
	var hybrid []byte
	for look := true; ; {
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
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
			look = true
		case <-r.refresh:
			look = false
		}
	}
}

// stock fills the relay's store of our key packages.
func (r *home) stock(ctx context.Context, c *rpc.Client, now time.Time) error {
	pending, err := r.d.cfg.Keys.Stock(ctx, r.url.Key, stockAtRelay, now)
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
