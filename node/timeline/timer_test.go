package timeline

import (
	"errors"
	"testing"
	"time"

	"quicnprotochat/node/message"
	"quicnprotochat/node/store"
)

func (r *room) timer(after time.Duration) said {
	return r.say(ann, &message.Message{Type: message.Timer, After: after})
}

// read shows all that is there to the user.
func (r *room) read() {
	r.t.Helper()
	r.tx(func(tx *store.Tx) error {
		_, _, err := Read(tx, talk, store.Position{Lamport: 1 << 60}, r.now)
		return err
	})
}

func (r *room) expire() (gone []store.Message, next time.Time) {
	r.t.Helper()
	r.tx(func(tx *store.Tx) (err error) {
		gone, next, err = Expire(tx, r.now)
		return err
	})
	return gone, next
}

// TestTimerAnyOrder brings a timer before and after what it is about.
func TestTimerAnyOrder(t *testing.T) {
	r := newRoom(t)
	before, set, after := r.chat(ann, "before"), r.timer(time.Hour), r.chat(ann, "after")
	off, last := r.timer(0), r.chat(ann, "last")
	orders([]said{before, set, after, off, last}, func(order []said) {
		r.tx(func(tx *store.Tx) error { return wipe(tx) })
		r.now = noon
		for _, s := range order {
			r.take(s)
			r.read()
		}
		if gone, next := r.expire(); len(gone) != 0 || !next.Equal(noon.Add(time.Hour)) {
			t.Fatalf("gone %d, next %v", len(gone), next)
		}
		r.now = noon.Add(time.Hour)
		gone, next := r.expire()
		if len(gone) != 1 || gone[0].ID != after.row.ID || !next.IsZero() {
			t.Fatalf("gone %+v, next %v", gone, next)
		}
		if got := r.shown(); len(got) != 4 || got[0].Text != "before" || got[3].Text != "last" {
			t.Fatalf("left: %+v", got)
		}
		if out := r.take(after); out.New {
			t.Fatal("shown again after its time")
		}
	})
}

// TestTimerRunsFromReading leaves a message unread.
func TestTimerRunsFromReading(t *testing.T) {
	r := newRoom(t)
	r.take(r.timer(time.Minute), r.chat(ann, "hello"))
	own := r.chat(me, "mine")
	own.row.Lamport = 9
	r.take(own)
	r.now = noon.Add(time.Hour)
	if gone, _ := r.expire(); len(gone) != 1 || gone[0].ID != own.row.ID {
		t.Fatalf("gone %+v", gone)
	}
	r.read()
	if _, next := r.expire(); !next.Equal(r.now.Add(time.Minute)) {
		t.Errorf("next %v", next)
	}
	again := r.chat(ann, "never looked at")
	again.row.Stored, again.row.Lamport = r.now, 10
	r.take(again)
	r.now = r.now.Add(unreadGrace + time.Minute)
	if gone, _ := r.expire(); len(gone) != 2 {
		t.Errorf("gone %+v", gone)
	}
}

func TestForget(t *testing.T) {
	r := newRoom(t)
	hello := r.chat(ann, "hello")
	r.take(hello, r.mark(ann, message.Edit, hello, "hello!"))
	r.tx(func(tx *store.Tx) error { return Forget(tx, hello.row, r.now) })
	if out := r.take(hello); out.New || len(r.shown()) != 0 {
		t.Error("it came back")
	}
	set := r.timer(time.Hour)
	r.take(set)
	r.tx(func(tx *store.Tx) error {
		if err := Forget(tx, set.row, r.now); !errors.Is(err, ErrKind) {
			t.Errorf("a timer: %v", err)
		}
		return nil
	})
}

// TestErasedIsForgotten drops what nobody will send again.
func TestErasedIsForgotten(t *testing.T) {
	r := newRoom(t)
	hello, kept := r.chat(ann, "hello"), r.chat(ann, "kept")
	r.take(hello, kept, r.mark(bob, message.Reaction, kept, "👍"), r.mark(bob, message.Reaction, r.chat(ann, "lost"), "👍"))
	r.tx(func(tx *store.Tx) error {
		return errors.Join(Forget(tx, hello.row, r.now), tx.DropErased(r.now.Add(time.Second)))
	})
	r.tx(func(tx *store.Tx) error {
		left, err := tx.MessagesOf(talk, hello.row.ID)
		n, err2 := tx.CountEarly(talk, bob)
		if len(left) != 0 || n != 0 {
			t.Errorf("left %d and %d", len(left), n)
		}
		return errors.Join(err, err2)
	})
	if got := r.shown(); len(got) != 1 || len(got[0].Reactions) != 1 {
		t.Errorf("got %+v", got)
	}
}
