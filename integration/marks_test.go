package integration

import (
	"context"
	"slices"
	"testing"
	"time"

	"quicnprotochat/node/localapi"
)

// mark does something with a message of the conversation with another node, or of a
// group.
func (n *simNode) mark(with, id string, action localapi.MarkAction, text string) (mark string) {
	n.w.t.Helper()
	d, err := n.Mark(context.Background(), localapi.MarkRequest{Contact: with, Message: id, Action: action, Text: text})
	if err != nil {
		n.w.t.Fatal(err)
	}
	return d.ID
}

// lines is a conversation in one word a line: the text, or that it was deleted, and
// the reactions.
func (n *simNode) lines(with string) (lines []string) {
	n.w.t.Helper()
	err := n.History(context.Background(), with, 0, "", func(m localapi.Message) error {
		line := m.Text
		if m.Deleted {
			line = "(deleted)"
		}
		for _, r := range m.Reactions {
			line += " " + r.Emoji
		}
		lines = append(lines, line)
		return nil
	})
	if err != nil && exitCode(err) != localapi.ExitContact {
		n.w.t.Fatal(err)
	}
	return lines
}

// eventually waits until a conversation looks so.
func (n *simNode) eventually(with string, want ...string) {
	n.w.t.Helper()
	var got []string
	for range 600 {
		if got = n.lines(with); slices.Equal(got, want) {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	n.w.t.Fatalf("%s sees %q, want %q", n.name, got, want)
}

// TestMarksWhileAway edits, deletes and reacts while the other is away: both see the
// same in the end, also after restarts.
func TestMarksWhileAway(t *testing.T) {
	simulate(t, func(w *world) {
		r := w.relay()
		a, b := w.node("anna", r.url()), w.node("bob", r.url())
		a.add(b)
		old := a.send(b, "old")
		a.await(old, localapi.Delivered, time.Minute)
		b.settled()
		b.halt()

		typo, secret := a.send(b, "helo"), a.send(b, "secret")
		a.await(secret, localapi.Stored, time.Minute) // the relay has it, and keeps it
		a.mark("bob", typo, localapi.MarkEdit, "hello")
		a.mark("bob", secret, localapi.MarkDelete, "")
		a.mark("bob", old, localapi.MarkReact, "👴")
		last := a.mark("bob", "last", localapi.MarkEdit, "hello!")
		a.halt()
		a.start()
		a.await(last, localapi.Stored, time.Hour)

		b.start()
		b.eventually("anna", "old 👴", "hello!", "(deleted)")
		a.await(last, localapi.Delivered, time.Minute)
		a.eventually("bob", "old 👴", "hello!", "(deleted)")
		b.halt()
		b.start()
		b.eventually("anna", "old 👴", "hello!", "(deleted)")
	})
}

// TestTimerOverRestarts lets messages disappear on both sides a day after they were
// read, in spite of restarts, and says so to nobody who looks later.
func TestTimerOverRestarts(t *testing.T) {
	simulate(t, func(w *world) {
		a, b := w.node("anna"), w.node("bob")
		a.add(b)
		a.await(a.send(b, "for good"), localapi.Delivered, time.Minute)
		if _, err := a.Set(context.Background(), localapi.SetRequest{Contact: "bob", Timer: "24h"}); err != nil {
			t.Fatal(err)
		}
		a.await(a.send(b, "for a day"), localapi.Delivered, time.Minute)
		const timer = "[messages disappear from here on: 24h after they were read]"
		if err := b.MarkRead(context.Background(), "anna", "", true); err != nil {
			t.Fatal(err)
		}
		time.Sleep(12 * time.Hour)
		for _, n := range []*simNode{a, b} {
			n.eventually(map[*simNode]string{a: "bob", b: "anna"}[n], "for good", timer, "for a day")
			n.halt()
		}
		time.Sleep(11 * time.Hour)
		a.start()
		a.eventually("bob", "for good", timer, "for a day")
		time.Sleep(2 * time.Hour)
		b.start()
		a.eventually("bob", "for good", timer)
		b.eventually("anna", "for good", timer)
		v, err := b.Conversation(context.Background(), "anna")
		if err != nil || v.Timer != "24h0m0s" {
			t.Errorf("got %+v, %v", v, err)
		}
	})
}

// TestTimerInGroup lets messages of a group disappear for every member a day after that
// one has read them, in spite of restarts, also for one who was away when it was set.
func TestTimerInGroup(t *testing.T) {
	simulate(t, func(w *world) {
		r := w.relay()
		a, b, c := w.node("anna", r.url()), w.node("bob", r.url()), w.node("carl", r.url())
		all := []*simNode{a, b, c}
		knowEachOther(all...)
		a.group("friends", b, c)
		a.await(a.say("friends", "for good"), localapi.Delivered, time.Minute)
		c.settled()
		c.halt()
		if _, err := a.Set(context.Background(), localapi.SetRequest{Contact: "friends", Timer: "24h"}); err != nil {
			t.Fatal(err)
		}
		const timer = "[messages disappear from here on: 24h after they were read]"
		b.eventually("friends", "for good", timer)
		id := b.say("friends", "for a day")
		b.await(id, localapi.Stored, time.Minute)
		c.start()
		b.await(id, localapi.Delivered, 5*time.Minute)
		for _, n := range all {
			n.eventually("friends", "for good", timer, "for a day")
			if err := n.MarkRead(context.Background(), "friends", "", true); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(23 * time.Hour)
		for _, n := range all {
			n.eventually("friends", "for good", timer, "for a day")
			n.halt()
			n.start()
		}
		time.Sleep(2 * time.Hour)
		for _, n := range all {
			n.eventually("friends", "for good", timer)
			n.halt()
			n.start()
			n.eventually("friends", "for good", timer)
			if v, err := n.Conversation(context.Background(), "friends"); err != nil || v.Timer != "24h0m0s" {
				t.Errorf("%s: got %+v, %v", n.name, v, err)
			}
		}
	})
}

// TestMarksInGroups reacts, edits and deletes in a group of which one member is away; in
// the end all have read it, and the author knows.
func TestMarksInGroups(t *testing.T) {
	simulate(t, func(w *world) {
		r := w.relay()
		a, b, c := w.node("anna", r.url()), w.node("bob", r.url()), w.node("carl", r.url())
		a.add(b)
		a.add(c)
		a.await(a.send(b, "hello"), localapi.Delivered, time.Minute)
		a.await(a.send(c, "hello"), localapi.Delivered, time.Minute)
		a.group("friends", b, c)
		c.settled()
		c.halt()
		id := a.say("friends", "helo")
		a.await(id, localapi.Stored, time.Minute)
		b.eventually("friends", "helo")
		b.mark("friends", id, localapi.MarkReact, "👋")
		a.mark("friends", id, localapi.MarkEdit, "hello")
		oops := a.say("friends", "oops")
		a.await(oops, localapi.Stored, time.Minute)
		b.eventually("friends", "hello 👋", "oops")
		last := a.mark("friends", oops, localapi.MarkDelete, "")
		b.eventually("friends", "hello 👋", "(deleted)")
		c.start()
		c.eventually("friends", "hello 👋", "(deleted)")
		a.await(last, localapi.Delivered, time.Minute)
		if err := b.MarkRead(context.Background(), "friends", "", true); err != nil {
			t.Fatal(err)
		}
		if err := c.MarkRead(context.Background(), "friends", "", true); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if d, err := a.Await(ctx, id, localapi.Read); err != nil || d.State != localapi.Read {
			t.Errorf("got %+v, %v, want it read by both", d, err)
		}
	})
}
