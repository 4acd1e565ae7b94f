package homes

import (
	"cmp"
	"context"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"quicnprotochat/node/tries"
	"quicnprotochat/transport"
)

const (
	// leastPause is the time within which a relay that was lost is dialled again. All
	// who lose it at once spread over it, so that it is not lost again. It is
	// doubled at each failure up to mostPause; steady is how long a visit lasts that
	// was none.
	leastPause = 4 * time.Second
	mostPause  = time.Minute
	steady     = 30 * time.Second
	// soon is for how long after it was lost a relay is dialled as at first if nobody
	// answers, which takes a while by itself: it may be starting again.
	soon = 2 * time.Minute
)

// Config says what is done at relays. All fields are required.
type Config struct {
	// Visit connects to a relay and does there what there is to do, until something
	// fails or ctx ends. Its error is what people read of the relay.
	Visit func(ctx context.Context, v *Visit) error
	// Patience is within which time a visit that ended with err is made again; 0
	// leaves it to this package.
	Patience func(err error) time.Duration
	// Changed is called when Refresh of any relay has a token. It must not block.
	Changed func()
	Log     *slog.Logger
}

// Visit is one stay in touch with a relay.
type Visit struct {
	URL transport.RelayURL
	// Refresh has a token when what the relay holds of us should be looked at again.
	Refresh <-chan struct{}

	relay *relay
}

// Reached notes that the relay is connected.
func (v *Visit) Reached() { v.relay.note(true, nil) }

// State is how one of our own relays is.
type State struct {
	URL     transport.RelayURL
	Reached bool
	// Error says why it is not reached, "" if it is or was not tried yet.
	Error string
}

// Relays are the relays that keep mail for us.
type Relays struct {
	cfg Config

	// mu guards the fields below.
	mu  sync.Mutex
	run func(func(context.Context)) bool // begins a goroutine; nil before Start
	m   map[transport.Key]*relay
}

// relay is one of our own relays.
type relay struct {
	of      *Relays
	url     transport.RelayURL
	quit    chan struct{} // closed when the relay is forgotten
	refresh chan struct{} // capacity 1: present ourselves again

	// mu guards the fields below.
	mu      sync.Mutex
	reached bool
	pausing time.Time // since when, until the next visit; zero: it does not
	err     error
}

// New returns no relays yet.
func New(cfg Config) *Relays { return &Relays{cfg: cfg, m: make(map[transport.Key]*relay)} }

// Start begins to visit the relays, those that are added later too, in goroutines that
// run begins. It is called once.
func (h *Relays) Start(run func(func(context.Context)) bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.run = run
	for _, r := range h.m {
		r.start()
	}
}

// Add begins to keep in touch with a relay. It returns at once.
func (h *Relays) Add(url transport.RelayURL) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if old := h.m[url.Key]; old != nil {
		if old.url == url {
			return
		}
		close(old.quit)
	}
	r := &relay{of: h, url: url, quit: make(chan struct{}), refresh: make(chan struct{}, 1)}
	h.m[url.Key] = r
	if h.run != nil {
		r.start()
	}
	h.refreshAll()
}

// Forget ends it.
func (h *Relays) Forget(k transport.Key) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if r := h.m[k]; r != nil {
		close(r.quit)
		delete(h.m, k)
		h.refreshAll()
	}
}

// States returns how the relays are, by URL.
func (h *Relays) States() []State {
	h.mu.Lock()
	defer h.mu.Unlock()
	var all []State
	for _, r := range h.m {
		all = append(all, r.state())
	}
	slices.SortFunc(all, func(a, b State) int { return cmp.Compare(a.URL.String(), b.URL.String()) })
	return all
}

// Keys returns the keys of all.
func (h *Relays) Keys() []transport.Key {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Collect(maps.Keys(h.m))
}

// Refresh lets one relay be visited at once, or be presented again what it holds of us.
func (h *Relays) Refresh(k transport.Key) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if r := h.m[k]; r != nil {
		r.again()
	}
}

// Seen lets a relay to which a link came up at that time be visited at once, if the last
// visit had ended by then.
func (h *Relays) Seen(k transport.Key, at time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if r := h.m[k]; r != nil && r.pausedBy(at) {
		r.again()
	}
}

// RefreshAll is Refresh of all.
func (h *Relays) RefreshAll() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.refreshAll()
}

// refreshAll is RefreshAll with h.mu held.
func (h *Relays) refreshAll() {
	h.cfg.Changed()
	for _, r := range h.m {
		r.again()
	}
}

func (r *relay) again() {
	select {
	case r.refresh <- struct{}{}:
	default:
	}
}

func (r *relay) state() State {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := State{URL: r.url, Reached: r.reached}
	if r.err != nil {
		s.Error = tries.Short(r.err)
	}
	return s
}

func (r *relay) note(reached bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reached, r.err = reached, err
}

// pausedBy reports whether the last visit had ended at a time, and no other has begun.
func (r *relay) pausedBy(at time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.pausing.IsZero() && at.After(r.pausing)
}

func (r *relay) pause(since time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pausing = since
}

func (r *relay) start() {
	r.of.run(func(ctx context.Context) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		r.of.run(func(context.Context) {
			select {
			case <-r.quit:
				cancel()
			case <-ctx.Done():
			}
		})
		r.keep(ctx)
	})
}

// keep stays in touch with the relay until ctx ends.
func (r *relay) keep(ctx context.Context) {
	pause, lost := time.Duration(0), time.Now()
	for ctx.Err() == nil {
		began := time.Now()
		err := r.of.cfg.Visit(ctx, &Visit{URL: r.url, Refresh: r.refresh, relay: r})
		if ctx.Err() != nil {
			return
		}
		r.note(false, err)
		r.of.cfg.Log.Warn("home relay not reached", "relay", r.url.Key, "err", err)
		switch took := time.Since(began); {
		case took > steady:
			pause, lost = leastPause, time.Now()
		case took > leastPause && time.Since(lost) < soon:
			pause = leastPause
		default:
			pause = min(max(2*pause, leastPause), mostPause)
		}
		r.pause(time.Now())
		timer := time.NewTimer(wait(cmp.Or(r.of.cfg.Patience(err), pause)))
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-r.refresh:
		}
		timer.Stop()
		r.pause(time.Time{})
	}
}

// wait is when, within a time, a relay is visited again.
func wait(pause time.Duration) time.Duration { return rand.N(pause) }
