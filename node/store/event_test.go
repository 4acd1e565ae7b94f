package store

import (
	"testing"

	"quicnprotochat/rpc"
)

// TestEvents keeps events in order under ids that are not used again, and drops the
// oldest.
func TestEvents(t *testing.T) {
	s := open(t, Config{})
	add := func(n int) {
		update(t, s, func(tx *Tx) error {
			for range n {
				if err := tx.AddEvent(Event{Kind: "state", Peer: rpc.Identity{7}, Message: id16(3), State: "direct", Why: "w"}); err != nil {
					return err
				}
			}
			return nil
		})
	}
	ranges := func() (least, last int64) {
		view(t, s, func(tx *Tx) (err error) {
			least, last, err = tx.EventRange()
			return err
		})
		return least, last
	}
	if least, last := ranges(); least != 0 || last != 0 {
		t.Errorf("empty: got %d to %d", least, last)
	}
	add(3)
	update(t, s, func(tx *Tx) error { return tx.SkipEvents() })
	add(2)
	_, last := ranges()
	if last != 3+eventsSkipped+2 {
		t.Errorf("got %d as the last id, want %d", last, 3+eventsSkipped+2)
	}
	view(t, s, func(tx *Tx) error {
		list, err := tx.Events(2, last, 0)
		if err != nil || len(list) != 3 || list[0].ID != 3 || list[1].ID != last-1 || list[2].ID != last {
			t.Errorf("got %d events, %v, want the last of the first three and the two behind the gap", len(list), err)
			return nil
		}
		e := list[0]
		if e.Kind != "state" || e.Peer != (rpc.Identity{7}) || e.Message != id16(3) || e.State != "direct" || e.Why != "w" {
			t.Errorf("got %+v", e)
		}
		list, err = tx.Events(0, 3, 2)
		if err != nil || len(list) != 2 || list[1].ID != 2 {
			t.Errorf("two up to the third: got %d, %v", len(list), err)
		}
		return nil
	})
	add(eventsKept)
	if least, now := ranges(); now != last+eventsKept || now-least >= eventsKept {
		t.Errorf("got ids %d to %d, want the last %d", least, now, eventsKept)
	}
}
