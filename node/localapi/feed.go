package localapi

import (
	"context"
	"sync"
	"time"
)

const (
	// feedKept is how many past events a subscriber that comes back can still get.
	feedKept = 512
	// feedQueue is how many events a subscriber may be behind before it is cut off.
	feedQueue = 64
)

// Feed is an Events for many subscribers. Publish never blocks: who is too slow
// is cut off and may come back, for Feed keeps the last 512 events. The zero
// value is ready.
type Feed struct {
	// mu guards the fields below.
	mu   sync.Mutex
	last uint64
	kept []Event
	subs map[chan Event]struct{}
}

// Publish gives e the next id and hands it to all subscribers. Ids begin at the
// microseconds of the clock, so that they grow over restarts.
func (f *Feed) Publish(e Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.start()
	f.last++
	e.ID = f.last
	if len(f.kept) == feedKept {
		copy(f.kept, f.kept[1:])
		f.kept = f.kept[:feedKept-1]
	}
	f.kept = append(f.kept, e)
	for ch := range f.subs {
		select {
		case ch <- e:
		default:
			delete(f.subs, ch)
			close(ch)
		}
	}
}

// Subscribe implements Events.
func (f *Feed) Subscribe(ctx context.Context, after uint64) (<-chan Event, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.start()
	past := f.since(after)
	ch := make(chan Event, len(past)+feedQueue)
	for _, e := range past {
		ch <- e
	}
	f.subs[ch] = struct{}{}
	context.AfterFunc(ctx, func() { f.drop(ch) })
	return ch, nil
}

// start sets the first id and the map; f.mu is held.
func (f *Feed) start() {
	if f.subs == nil {
		f.subs = make(map[chan Event]struct{})
		f.last = uint64(time.Now().UnixMicro())
	}
}

// since returns the kept events after that id, behind an EventMissed if some
// are kept no longer; f.mu is held.
func (f *Feed) since(after uint64) []Event {
	if after == 0 || after >= f.last {
		return nil
	}
	first := f.last + 1 - uint64(len(f.kept))
	if after+1 >= first {
		return f.kept[after+1-first:]
	}
	return append([]Event{{ID: first - 1, Event: EventMissed}}, f.kept...)
}

// drop ends a subscription, if Publish has not.
func (f *Feed) drop(ch chan Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, ok := f.subs[ch]; ok {
		delete(f.subs, ch)
		close(ch)
	}
}
