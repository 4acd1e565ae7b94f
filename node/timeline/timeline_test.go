package timeline

import (
	"bytes"
	"errors"
	"math"
	"testing"
	"time"

	"quicnprotochat/node/message"
	"quicnprotochat/node/store"
	"quicnprotochat/rpc"
)

var (
	talk = [16]byte{1}
	ann  = rpc.Identity{2}
	bob  = rpc.Identity{3}
	me   = rpc.Identity{4}
	noon = time.UnixMilli(1_800_000_000_000).UTC()
)

// room is one conversation in a store of its own.
type room struct {
	t     *testing.T
	store *store.Store
	next  map[rpc.Identity]uint64
	now   time.Time
}

func newRoom(t *testing.T) *room {
	t.Helper()
	s, err := store.Open(store.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return &room{t: t, store: s, next: map[rpc.Identity]uint64{}, now: noon}
}

func (r *room) tx(fn func(tx *store.Tx) error) {
	r.t.Helper()
	if err := r.store.Update(r.t.Context(), fn); err != nil {
		r.t.Fatal(err)
	}
}

// said is a message with its row, ready to come in.
type said struct {
	row    store.Message
	parsed *message.Message
}

// say makes the next message of somebody. Its counter and Lamport time are one more
// than those of the author's last one.
func (r *room) say(by rpc.Identity, m *message.Message) said {
	r.t.Helper()
	body, err := m.Encode()
	if err != nil {
		r.t.Fatal(err)
	}
	r.next[by]++
	n := r.next[by]
	id := m.ID
	if m.Type != message.Chat {
		id = [16]byte{by[0], byte(n), byte(n >> 8), 0xff}
	}
	row := store.Message{
		Conversation: talk, Author: by, ID: id, Type: byte(m.Type), Body: body,
		Counter: n, Lamport: n, Sent: r.now, Stored: r.now, State: Received,
	}
	if by == me {
		row.State = "queued"
	}
	return said{row, m}
}

func (r *room) chat(by rpc.Identity, text string) said {
	return r.say(by, &message.Message{Type: message.Chat, ID: message.NewID(), Text: text})
}

func (r *room) mark(by rpc.Identity, t message.Type, on said, text string) said {
	return r.say(by, &message.Message{Type: t, Ref: on.row.ID, Text: text})
}

// take brings messages in and returns what the last one did.
func (r *room) take(all ...said) Outcome {
	r.t.Helper()
	outs := r.takeEach(all...)
	return outs[len(outs)-1]
}

// takeEach brings messages in, in one transaction, and returns what each did.
func (r *room) takeEach(all ...said) (outs []Outcome) {
	r.t.Helper()
	r.tx(func(tx *store.Tx) error {
		for _, s := range all {
			out, err := Add(tx, s.row, s.parsed)
			if err != nil {
				return err
			}
			outs = append(outs, out)
		}
		return nil
	})
	return outs
}

// twice is each of all, two times.
func twice(all []said) (doubled []said) {
	for _, s := range all {
		doubled = append(doubled, s, s)
	}
	return doubled
}

func (r *room) try(s said) (out Outcome, err error) {
	err = r.store.Update(r.t.Context(), func(tx *store.Tx) error {
		out, err = Add(tx, s.row, s.parsed)
		return err
	})
	return out, err
}

// shown is what is seen of the conversation.
func (r *room) shown() (views []View) {
	r.t.Helper()
	r.tx(func(tx *store.Tx) error {
		rows, err := tx.History(talk, nil, 0)
		for _, m := range rows {
			v, err := Look(tx, m)
			if err != nil {
				return err
			}
			views = append(views, v)
		}
		return err
	})
	return views
}

// orders calls fn for each order of all.
func orders(all []said, fn func([]said)) {
	var next func(done, left []said)
	next = func(done, left []said) {
		if len(left) == 0 {
			fn(done)
			return
		}
		for i := range left {
			rest := append(append([]said{}, left[:i]...), left[i+1:]...)
			next(append(append([]said{}, done...), left[i]), rest)
		}
	}
	next(nil, all)
}

// TestAnyOrder brings a message, two edits, a reaction that was changed, and each of
// them twice, in every order: it looks the same in the end.
func TestAnyOrder(t *testing.T) {
	r := newRoom(t)
	hello := r.chat(ann, "helo")
	all := []said{
		hello, r.mark(ann, message.Edit, hello, "hell"), r.mark(ann, message.Edit, hello, "hello"),
		r.mark(bob, message.Reaction, hello, "?"), r.mark(bob, message.Reaction, hello, "👍"),
	}
	orders(all, func(order []said) {
		r.tx(func(tx *store.Tx) error { return wipe(tx) })
		fresh := 0
		for _, out := range r.takeEach(twice(order)...) {
			if out.New {
				fresh++
			}
		}
		got := r.shown()
		if len(got) != 1 || fresh != 1 || got[0].Text != "hello" || len(got[0].Reactions) != 1 || got[0].Reactions[0].Emoji != "👍" || got[0].Edited.IsZero() {
			t.Fatalf("shown anew %d times: %+v", fresh, got)
		}
	})
}

// TestDeleteAnyOrder does so with a deletion: of what came after it nothing is ever
// shown, and of what came before it only that it was deleted.
func TestDeleteAnyOrder(t *testing.T) {
	r := newRoom(t)
	secret := r.chat(ann, "secret")
	all := []said{
		secret, r.mark(ann, message.Edit, secret, "secret too"), r.mark(bob, message.Reaction, secret, "🤫"), r.mark(ann, message.Delete, secret, ""),
	}
	orders(all, func(order []said) {
		r.tx(func(tx *store.Tx) error { return wipe(tx) })
		gone := false
		doubled := twice(order)
		for i, out := range r.takeEach(doubled...) {
			gone = gone || doubled[i].parsed.Type == message.Delete
			if gone && out.Entry != nil && out.Entry.Erased.IsZero() {
				t.Fatalf("shown after it was deleted: %+v", out.Entry)
			}
		}
		for _, v := range r.shown() {
			if !v.Deleted || v.Text != "" || len(v.Reactions) > 0 {
				t.Fatalf("got %+v", v)
			}
		}
		r.tx(func(tx *store.Tx) error {
			left, err := tx.MessagesOf(talk, secret.row.ID)
			marks, err2 := tx.Referring(talk, secret.row.ID)
			for _, m := range append(left, marks...) {
				if bytes.Contains(m.Body, []byte("secret")) || bytes.Contains(m.Body, []byte("🤫")) {
					t.Errorf("still here: %+v", m)
				}
			}
			return errors.Join(err, err2)
		})
	})
}

func wipe(tx *store.Tx) error {
	rows, err := tx.MessagesByCounter(talk, ann, 0, math.MaxInt64, 0)
	more, err2 := tx.MessagesByCounter(talk, bob, 0, math.MaxInt64, 0)
	for _, m := range append(rows, more...) {
		err = errors.Join(err, tx.DeleteMessage(talk, m.Author, m.ID))
	}
	return errors.Join(err, err2)
}

// TestOnlyItsAuthor lets others edit and delete, before and after the message is there.
func TestOnlyItsAuthor(t *testing.T) {
	r := newRoom(t)
	hello := r.chat(ann, "hello")
	r.take(r.mark(bob, message.Edit, hello, "I am a fool"), r.mark(bob, message.Delete, hello, ""), hello)
	for _, kind := range []message.Type{message.Edit, message.Delete} {
		if _, err := r.try(r.mark(bob, kind, hello, "x")); !errors.Is(err, ErrNotAuthor) {
			t.Errorf("type %d: %v", kind, err)
		}
	}
	if got := r.shown(); len(got) != 1 || got[0].Text != "hello" || got[0].Deleted || !got[0].Edited.IsZero() {
		t.Errorf("got %+v", got)
	}
	r.tx(func(tx *store.Tx) error {
		marks, err := tx.Referring(talk, hello.row.ID)
		if len(marks) > 0 {
			t.Errorf("forged marks are kept: %+v", marks)
		}
		return err
	})
}

// TestEarlyMarksAreBounded sends marks on messages that never come.
func TestEarlyMarksAreBounded(t *testing.T) {
	r := newRoom(t)
	var all []said
	for range maxEarly + 50 {
		all = append(all, r.mark(bob, message.Reaction, r.chat(ann, "never sent"), "👻"))
	}
	r.takeEach(all...)
	r.tx(func(tx *store.Tx) error {
		n, err := tx.CountEarly(talk, bob)
		if n != maxEarly {
			t.Errorf("%d are kept", n)
		}
		return err
	})
}

func TestOwnMarks(t *testing.T) {
	r := newRoom(t)
	if _, err := r.try(r.mark(me, message.Reaction, r.chat(ann, "x"), "👍")); !errors.Is(err, ErrUnknown) {
		t.Errorf("on nothing: %v", err)
	}
	hello, timer := r.chat(me, "hello"), r.say(me, &message.Message{Type: message.Timer, After: time.Hour})
	r.take(hello, timer)
	for _, kind := range []message.Type{message.Edit, message.Delete} {
		if _, err := r.try(r.mark(me, kind, timer, "x")); !errors.Is(err, ErrKind) {
			t.Errorf("on a timer: %v", err)
		}
	}
	like := r.mark(me, message.Reaction, hello, "👍")
	r.take(like)
	if out := r.take(r.mark(me, message.Delete, like, "")); out.Entry == nil || out.Entry.ID != hello.row.ID {
		t.Errorf("taken back: %+v", out)
	}
	if got := r.shown(); len(got[0].Reactions) != 0 {
		t.Errorf("got %+v", got)
	}
}

// TestErasedIsNotSent deletes a message that waits in the outbox.
func TestErasedIsNotSent(t *testing.T) {
	r := newRoom(t)
	hello, other := r.chat(me, "hello"), r.chat(me, "other")
	r.take(hello, other)
	r.tx(func(tx *store.Tx) error {
		for _, s := range []said{hello, other} {
			if _, err := tx.AddOutgoing(store.Outgoing{Recipient: bob, Kind: store.KindMessage, Conversation: talk, Message: s.row.ID}); err != nil {
				return err
			}
		}
		return nil
	})
	// Somebody else's message of the same id does not stop ours.
	twin := r.say(bob, &message.Message{Type: message.Chat, ID: other.row.ID, Text: "mine"})
	r.take(twin, r.mark(bob, message.Delete, twin, ""))
	r.take(r.mark(me, message.Delete, hello, ""))
	r.tx(func(tx *store.Tx) error {
		waiting, err := tx.Unreceipted(talk, me)
		rows, err2 := tx.UnsealedFor(bob, 0)
		if len(rows) != 1 || rows[0].Message != other.row.ID {
			t.Errorf("outgoing: %+v", rows)
		}
		for _, m := range waiting {
			if m.ID == hello.row.ID {
				t.Error("a deleted message waits to be encrypted again")
			}
		}
		return errors.Join(err, err2)
	})
}

// TestUnknownTypeIsAnEntry keeps what a later version may know.
func TestUnknownTypeIsAnEntry(t *testing.T) {
	r := newRoom(t)
	if out := r.take(r.say(ann, &message.Message{Type: 0x55, Raw: []byte("poll")})); !out.New {
		t.Error("not shown")
	}
	if got := r.shown(); len(got) != 1 || got[0].Type != 0x55 {
		t.Errorf("got %+v", got)
	}
}
