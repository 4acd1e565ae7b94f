package localapi

import (
	"context"
	"testing"
)

func TestFeedLive(t *testing.T) {
	var f Feed
	ctx, cancel := context.WithCancel(t.Context())
	ch, err := f.Subscribe(ctx, 0)
	if err != nil {
		t.Fatal(err)
	}
	f.Publish(Event{Event: EventContact})
	f.Publish(Event{Event: EventState})
	a, b := <-ch, <-ch
	if a.Event != EventContact || b.Event != EventState || b.ID != a.ID+1 {
		t.Errorf("got %+v, %+v, want two events with ids in a row", a, b)
	}
	cancel()
	if _, ok := <-ch; ok {
		t.Error("channel still open after its context ended")
	}
}

func TestFeedResume(t *testing.T) {
	var f Feed
	for range 10 {
		f.Publish(Event{Event: EventMessage})
	}
	ch, err := f.Subscribe(t.Context(), f.last-3)
	if err != nil {
		t.Fatal(err)
	}
	for i := range uint64(3) {
		if got, want := (<-ch).ID, f.last-2+i; got != want {
			t.Errorf("event %d: got id %d, want %d", i, got, want)
		}
	}
	if len(ch) != 0 {
		t.Errorf("got %d events more, want none", len(ch))
	}
}

func TestFeedMissed(t *testing.T) {
	var f Feed
	f.Publish(Event{Event: EventMessage})
	old := f.last
	for range feedKept + 5 {
		f.Publish(Event{Event: EventMessage})
	}
	ch, err := f.Subscribe(t.Context(), old)
	if err != nil {
		t.Fatal(err)
	}
	if e := <-ch; e.Event != EventMissed || e.ID <= old {
		t.Errorf("got %+v, want a missed event with a later id", e)
	}
	n := 0
	for len(ch) > 0 {
		<-ch
		n++
	}
	if n != feedKept {
		t.Errorf("got %d events, want %d", n, feedKept)
	}
}

func TestFeedCutsOffTheSlow(t *testing.T) {
	var f Feed
	ch, err := f.Subscribe(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	for range feedQueue + 1 {
		f.Publish(Event{Event: EventMessage})
	}
	n := 0
	for range ch {
		n++
	}
	if n != feedQueue {
		t.Errorf("got %d events before the end, want %d", n, feedQueue)
	}
}
