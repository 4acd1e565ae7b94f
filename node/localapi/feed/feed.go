package feed

import (
	"context"
	"math"
	"sync"

	"quicnprotochat/node/localapi"
)

const (
	// feedPage is how many events of the log are read at a time, and how many past
	// ones a subscriber gets before it has to come back for more.
	feedPage = 512
	// feedQueue is how many events a subscriber may be behind before it is cut off.
	feedQueue = 64
)

// Log is where events are kept; their ids grow, over restarts too.
type Log interface {
	// EventRange returns the first and the last id that the log holds, 0 for none.
	EventRange() (first, last uint64, err error)
	// Events returns at most limit events with ids above after and up to last, in
	// order; an id may have none.
	Events(after, last uint64, limit int) ([]localapi.Event, error)
}

// Feed is a localapi.Events for many subscribers, out of a log. Wake waits for no
// subscriber: who is too slow is cut off and may come back.
type Feed struct {
	log Log

	// order has a token while the log is read, which may take long, so that all get its
	// events in its order. It guards last, the id of the newest event that was handed
	// out, if that is known: it is not before somebody listens.
	order chan struct{}
	known bool
	last  uint64

	// mu guards subs.
	mu   sync.Mutex
	subs map[chan localapi.Event]struct{}
}

// New returns the feed of a log.
func New(log Log) *Feed {
	return &Feed{log: log, order: make(chan struct{}, 1), subs: make(map[chan localapi.Event]struct{})}
}

// Wake says that the log has more, and hands it to all subscribers.
func (f *Feed) Wake() error {
	f.order <- struct{}{}
	defer func() { <-f.order }()
	if !f.heard() {
		f.known = false // the log is not read for nobody
		return nil
	}
	return f.catchUp()
}

// heard reports whether anybody listens.
func (f *Feed) heard() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.subs) > 0
}

// catchUp hands out what the log has beyond last; order is held. Where last is not known,
// what is there is the past.
func (f *Feed) catchUp() error {
	if !f.known {
		_, last, err := f.log.EventRange()
		if err != nil {
			return err
		}
		f.known, f.last = true, last
	}
	for {
		events, err := f.log.Events(f.last, math.MaxInt64, feedPage)
		if err != nil {
			return err
		}
		for _, e := range events {
			f.hand(e)
			f.last = e.ID
		}
		if len(events) < feedPage {
			return nil
		}
	}
}

// Show hands an event to those who listen now. It is not in the log and has no id.
func (f *Feed) Show(e localapi.Event) {
	e.ID = 0
	f.hand(e)
}

// hand gives an event to all subscribers.
func (f *Feed) hand(e localapi.Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for ch := range f.subs {
		select {
		case ch <- e:
		default:
			delete(f.subs, ch)
			close(ch)
		}
	}
}

// Subscribe implements localapi.Events.
func (f *Feed) Subscribe(ctx context.Context, after uint64) (<-chan localapi.Event, uint64, error) {
	f.order <- struct{}{}
	defer func() { <-f.order }()
	// Who wants no past needs none of it read: what is new since the last Wake comes
	// with the next one.
	if after != 0 || !f.known {
		if err := f.catchUp(); err != nil {
			return nil, 0, err
		}
	}
	past, whole, err := f.past(after)
	if err != nil {
		return nil, 0, err
	}
	switch {
	case after == 0:
		after = f.last
	case len(past) > 0 && past[0].Event == localapi.EventMissed:
		after = past[0].ID
	}
	ch := make(chan localapi.Event, len(past)+feedQueue)
	for _, e := range past {
		ch <- e
	}
	if !whole {
		close(ch)
		return ch, after, nil
	}
	f.mu.Lock()
	f.subs[ch] = struct{}{}
	f.mu.Unlock()
	context.AfterFunc(ctx, func() { f.drop(ch) })
	return ch, after, nil
}

// past returns the events after that id, behind a localapi.EventMissed if some are kept no
// longer or the id is none of this log; order is held. whole is false if there are
// more.
func (f *Feed) past(after uint64) (events []localapi.Event, whole bool, err error) {
	if after == 0 || after == f.last {
		return nil, true, nil
	}
	first, _, err := f.log.EventRange()
	if err != nil {
		return nil, false, err
	}
	if after+1 < first || after > f.last {
		after = max(first, 1) - 1
		events = []localapi.Event{{ID: max(after, 1), Event: localapi.EventMissed}}
	}
	kept, err := f.log.Events(after, f.last, feedPage)
	return append(events, kept...), len(kept) < feedPage, err
}

// drop ends a subscription, if hand has not.
func (f *Feed) drop(ch chan localapi.Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, ok := f.subs[ch]; ok {
		delete(f.subs, ch)
		close(ch)
	}
}
