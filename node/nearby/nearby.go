package nearby

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"quicnprotochat/node/contact"
	"quicnprotochat/transport"
)

const (
	// most is of how many machines the name is kept, and how many wait to be asked.
	most = 256
	// workers is how many are asked at a time, and askTime how long one may take.
	workers = 4
	askTime = 10 * time.Second
	// again is after how long a machine is asked anew, and retry after how long one
	// that did not answer.
	again = time.Hour
	retry = time.Minute
)

// Config says how names are asked for. All fields are required.
type Config struct {
	// Ask asks the user of a machine for a name.
	Ask func(ctx context.Context, k transport.Key) (name string, err error)
	// Learnt is told of a name that is new.
	Learnt func(k transport.Key, name string)
	Log    *slog.Logger
}

// Names are the names of those who were heard.
type Names struct {
	cfg   Config
	queue chan transport.Key

	// mu guards known.
	mu    sync.Mutex
	known map[transport.Key]entry
}

// entry is a name, "" for none, and when it may be asked for again.
type entry struct {
	name string
	next time.Time
}

// New returns an empty list. Run does the asking.
func New(cfg Config) *Names {
	return &Names{cfg: cfg, queue: make(chan transport.Key, most), known: make(map[transport.Key]entry)}
}

// Heard says that a machine was heard. It waits for nothing.
func (n *Names) Heard(k transport.Key) {
	n.mu.Lock()
	defer n.mu.Unlock()
	now := time.Now()
	e, ok := n.known[k]
	if ok && now.Before(e.next) || !ok && !n.room(now) {
		return
	}
	select {
	case n.queue <- k:
		e.next = now.Add(retry)
		n.known[k] = e
	default: // it is heard again
	}
}

// room reports whether one more can be kept, and drops those that are due for that.
func (n *Names) room(now time.Time) bool {
	for k, e := range n.known {
		if len(n.known) >= most && !now.Before(e.next) {
			delete(n.known, k)
		}
	}
	return len(n.known) < most
}

// Of returns what the user of a machine calls himself or herself, "" if that is not
// known.
func (n *Names) Of(k transport.Key) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.known[k].name
}

// Run asks until ctx ends.
func (n *Names) Run(ctx context.Context) error {
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for {
				select {
				case k := <-n.queue:
					n.ask(ctx, k)
				case <-ctx.Done():
					return
				}
			}
		})
	}
	all.Wait()
	return nil
}

func (n *Names) ask(ctx context.Context, k transport.Key) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	name, err := n.cfg.Ask(ctx, k)
	if err != nil {
		n.cfg.Log.Debug("ask for a name on the LAN", "peer", k, "err", err)
		return
	}
	name = contact.CleanName(name)
	n.mu.Lock()
	old := n.known[k].name
	n.known[k] = entry{name, time.Now().Add(again)}
	n.mu.Unlock()
	if name != "" && name != old {
		n.cfg.Learnt(k, name)
	}
}
