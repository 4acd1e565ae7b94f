package feed

import (
	"context"
	"sync"
	"testing"

	"quicnprotochat/node/localapi"
)

// memoryLog is an Log that holds what is in memory.
type memoryLog struct {
	mu     sync.Mutex
	events []localapi.Event
	last   uint64
	reads  int
}

// looks returns how often it was read since it was asked last.
func (l *memoryLog) looks() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := l.reads
	l.reads = 0
	return n
}

func (l *memoryLog) EventRange() (first, last uint64, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.events) == 0 {
		return 0, l.last, nil
	}
	return l.events[0].ID, l.last, nil
}

func (l *memoryLog) Events(after, last uint64, limit int) (list []localapi.Event, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reads++
	for _, e := range l.events {
		if e.ID > after && e.ID <= last && len(list) < limit {
			list = append(list, e)
		}
	}
	return list, nil
}

// testFeed is a feed whose log is in memory.
type testFeed struct {
	*Feed
	log *memoryLog
}

func newTestFeed() testFeed {
	log := &memoryLog{last: 100}
	return testFeed{New(log), log}
}

// Publish keeps an event and hands it out.
func (f testFeed) Publish(e localapi.Event) {
	f.log.mu.Lock()
	f.log.last++
	e.ID = f.log.last
	f.log.events = append(f.log.events, e)
	f.log.mu.Unlock()
	_ = f.Wake()
}

func TestFeedLive(t *testing.T) {
	f := newTestFeed()
	ctx, cancel := context.WithCancel(t.Context())
	ch, _, err := f.Subscribe(ctx, 0)
	if err != nil {
		t.Fatal(err)
	}
	f.Publish(localapi.Event{Event: localapi.EventContact})
	f.Publish(localapi.Event{Event: localapi.EventState})
	a, b := <-ch, <-ch
	if a.Event != localapi.EventContact || b.Event != localapi.EventState || b.ID != a.ID+1 {
		t.Errorf("got %+v, %+v, want two events with ids in a row", a, b)
	}
	cancel()
	if _, ok := <-ch; ok {
		t.Error("channel still open after its context ended")
	}
}

// TestFeedUnheard: the log is not read while nobody listens, and who comes then gets what
// is new from there, after a pause of all too.
func TestFeedUnheard(t *testing.T) {
	f := newTestFeed()
	for range 2 {
		for range 3 {
			f.Publish(localapi.Event{Event: localapi.EventMessage})
		}
		if n := f.log.looks(); n != 0 {
			t.Errorf("the log was read %d times for nobody", n)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ch, from, err := f.Subscribe(ctx, 0)
		if err != nil {
			t.Fatal(err)
		}
		f.Publish(localapi.Event{Event: localapi.EventMessage})
		if e := <-ch; from != f.log.last-1 || e.ID != f.log.last {
			t.Errorf("from %d came %d, want %d", from, e.ID, f.log.last)
		}
		cancel()
		for range ch { // until the feed has noticed
		}
		f.log.looks()
	}
}

// TestFeedResume comes back to the feed, and to another one of the same log, as
// after a restart.
func TestFeedResume(t *testing.T) {
	f := newTestFeed()
	for range 10 {
		f.Publish(localapi.Event{Event: localapi.EventMessage})
	}
	for name, feed := range map[string]*Feed{"same": f.Feed, "other": New(f.log)} {
		ch, _, err := feed.Subscribe(t.Context(), f.log.last-3)
		if err != nil {
			t.Fatal(err)
		}
		for i := range uint64(3) {
			if got, want := (<-ch).ID, f.log.last-2+i; got != want {
				t.Errorf("%s, event %d: got id %d, want %d", name, i, got, want)
			}
		}
		if len(ch) != 0 {
			t.Errorf("%s: got %d events more, want none", name, len(ch))
		}
	}
}

// TestFeedRace subscribes again and again while events come: each is seen once.
func TestFeedRace(t *testing.T) {
	f := newTestFeed()
	const n = 3000
	start, _, err := f.Subscribe(t.Context(), 0) // the feed begins here
	if err != nil {
		t.Fatal(err)
	}
	_ = start
	var publishers sync.WaitGroup
	for range 3 {
		publishers.Go(func() {
			for range n / 3 {
				f.Publish(localapi.Event{Event: localapi.EventMessage})
			}
		})
	}
	last := uint64(100)
	for last < 100+n {
		ctx, cancel := context.WithCancel(t.Context())
		ch, _, err := f.Subscribe(ctx, last)
		if err != nil {
			t.Fatal(err)
		}
		for range 7 {
			e, ok := <-ch
			if !ok {
				break
			}
			if e.ID != last+1 {
				t.Fatalf("got event %d after %d", e.ID, last)
			}
			if last = e.ID; last == 100+n {
				break
			}
		}
		cancel()
	}
	publishers.Wait()
}

func TestFeedMissed(t *testing.T) {
	f := newTestFeed()
	for range 5 {
		f.Publish(localapi.Event{Event: localapi.EventMessage})
	}
	f.log.events = f.log.events[3:]
	for _, after := range []uint64{101, 999} { // too old, and of another log
		ch, _, err := f.Subscribe(t.Context(), after)
		if err != nil {
			t.Fatal(err)
		}
		if e := <-ch; e.Event != localapi.EventMissed || e.ID != 103 {
			t.Errorf("after %d: got %+v, want a missed event of id 103", after, e)
		}
		if len(ch) != 2 {
			t.Errorf("after %d: got %d events, want 2", after, len(ch))
		}
	}
}

// TestFeedPages comes back for more than one page of the past.
func TestFeedPages(t *testing.T) {
	f := newTestFeed()
	const n = feedPage + 20
	f.Publish(localapi.Event{Event: localapi.EventContact})
	for range n {
		f.Publish(localapi.Event{Event: localapi.EventMessage})
	}
	last, seen := uint64(101), 0
	for seen < n {
		ch, _, err := f.Subscribe(t.Context(), last)
		if err != nil {
			t.Fatal(err)
		}
		for len(ch) > 0 {
			e := <-ch
			if e.ID != last+1 {
				t.Fatalf("got %d after %d", e.ID, last)
			}
			last, seen = e.ID, seen+1
		}
	}
}

func TestFeedCutsOffTheSlow(t *testing.T) {
	f := newTestFeed()
	ch, _, err := f.Subscribe(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	for range feedQueue + 1 {
		f.Publish(localapi.Event{Event: localapi.EventMessage})
	}
	n := 0
	for range ch {
		n++
	}
	if n != feedQueue {
		t.Errorf("got %d events before the end, want %d", n, feedQueue)
	}
}

// TestFeedShow hands out what is not kept: it has no id, and does not come again.
func TestFeedShow(t *testing.T) {
	f := newTestFeed()
	ch, _, err := f.Subscribe(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	f.Show(localapi.Event{ID: 77, Event: localapi.EventTyping})
	if e := <-ch; e.ID != 0 || e.Event != localapi.EventTyping {
		t.Errorf("got %+v, want it without an id", e)
	}
	if again, _, err := f.Subscribe(t.Context(), f.log.last); err != nil || len(again) != 0 {
		t.Errorf("got %d events, %v, want none", len(again), err)
	}
}
