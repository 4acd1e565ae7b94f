package integration

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"quicnprotochat/node/localapi"
)

// copyHome copies the home of a node that is stopped.
func (n *simNode) copyHome() (dir string) {
	n.w.t.Helper()
	dir = filepath.Join(n.w.t.TempDir(), "copy")
	if err := os.CopyFS(dir, os.DirFS(n.dir)); err != nil {
		n.w.t.Fatal(err)
	}
	return dir
}

// olderCopy reports whether a node says that its home was an older copy.
func (n *simNode) olderCopy() bool {
	n.w.t.Helper()
	st, err := n.Status(context.Background())
	if err != nil {
		n.w.t.Fatal(err)
	}
	return st.OlderCopy != nil
}

// leaveCopy copies the home of a node, lets it be used some more, and stops the node:
// the copy is an old one. A home that was only stopped and started is none.
func (n *simNode) leaveCopy(use func()) (old string) {
	n.w.t.Helper()
	n.halt()
	old = n.copyHome()
	n.start()
	use()
	if n.olderCopy() {
		n.w.t.Fatal("a home that was stopped and started counts as an older copy")
	}
	n.halt()
	return old
}

// endsBesideCopy waits until a node ends because its home is in use twice.
func (n *simNode) endsBesideCopy() {
	n.w.t.Helper()
	select {
	case err := <-n.done:
		var why *localapi.Error
		if !errors.As(err, &why) || why.Exit != localapi.ExitHome || why.Hint == "" {
			n.w.t.Errorf("%s ended with %v", n.name, err)
		}
	case <-time.After(time.Hour):
		n.w.t.Fatalf("%s goes on beside its copy", n.name)
	}
	n.cancel = nil
}

// TestOldCopyOfHome puts an old copy of a home in the place of that home: it is noticed
// before anything is sent with its keys, and the node comes back to all conversations
// with fresh ones.
func TestOldCopyOfHome(t *testing.T) {
	simulate(t, func(w *world) {
		r := w.relay()
		a, b, c := w.node("alice", r.url()), w.node("bob", r.url()), w.node("carol", r.url())
		knowEachOther(a, b, c)
		a.group("friends", b, c)
		id := a.groupID("friends")
		c.await(c.say(id, "before"), localapi.Delivered, time.Minute)
		c.await(c.send(a, "to alice"), localapi.Delivered, time.Minute)
		old := c.leaveCopy(func() {
			c.await(c.say(id, "lost with the home"), localapi.Delivered, time.Minute)
			c.await(c.send(a, "also lost"), localapi.Delivered, time.Minute)
		})
		epoch := func() uint64 {
			info, err := a.Group(context.Background(), id)
			if err != nil {
				t.Fatal(err)
			}
			return info.Epoch
		}
		before := epoch()
		time.Sleep(14 * time.Hour) // the endpoint that the relay has is over

		c.dir = old
		c.start()
		in, alone := c.say(id, "here again"), c.send(a, "to alice alone")
		if !c.olderCopy() {
			t.Error("an old copy of a home was not noticed before it sent something")
		}
		agree(w, 20*time.Minute, id, a, b, c)
		c.await(in, localapi.Delivered, 10*time.Minute)
		c.await(alone, localapi.Delivered, 10*time.Minute)
		b.await(b.say(id, "welcome"), localapi.Delivered, 10*time.Minute)
		a.await(a.send(c, "welcome back"), localapi.Delivered, 10*time.Minute)
		if after := epoch(); after <= before {
			t.Errorf("the group is in epoch %d, as it was, want a later one", after)
		}
		if st, err := b.Status(context.Background()); err != nil || st.Queue.Unreadable > 0 {
			t.Errorf("bob cannot read %d payloads, %v", st.Queue.Unreadable, err)
		}
	})
}

// TestTwoCopiesOfHome runs a home and a copy of it at once: both end, and say why.
func TestTwoCopiesOfHome(t *testing.T) {
	simulate(t, func(w *world) {
		r := w.relay()
		a, b := w.node("alice", r.url()), w.node("bob", r.url())
		knowEachOther(a, b)
		a.await(a.send(b, "hello"), localapi.Delivered, time.Minute)
		a.halt()
		twin := &simNode{w: w, name: "twin", ip: w.ip(), dir: a.copyHome(), relays: a.relays}
		a.start()
		a.await(a.send(b, "from the first"), localapi.Delivered, time.Minute)
		twin.start()
		for _, n := range []*simNode{a, twin} {
			n.endsBesideCopy()
		}
		// The user chooses one, and deletes the other.
		twin.start()
		w.stop = append(w.stop, twin.halt)
		if !twin.olderCopy() {
			t.Error("the copy does not know that the home was used since")
		}
		b.await(b.send(a, "which are you?"), localapi.Delivered, 20*time.Minute)
		twin.await(twin.send(b, "the second"), localapi.Delivered, 20*time.Minute)
		time.Sleep(time.Hour)
		if _, err := twin.Status(context.Background()); err != nil {
			t.Errorf("the chosen one has ended: %v", err)
		}
	})
}

// refusals collects what a machine's log says of payloads that it refused.
type refusals struct {
	mu  sync.Mutex
	all []string
}

func (r *refusals) Enabled(context.Context, slog.Level) bool { return true }
func (r *refusals) WithAttrs([]slog.Attr) slog.Handler       { return r }
func (r *refusals) WithGroup(string) slog.Handler            { return r }

func (r *refusals) Handle(_ context.Context, rec slog.Record) error {
	if rec.Message != "payload refused" {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	rec.Attrs(func(a slog.Attr) bool {
		r.all = append(r.all, a.String())
		return true
	})
	return nil
}

// TestOldCopyWithoutRelay puts an old copy of a home in its place, a day later, that has
// no relay: a contact's node tells, before anything reaches it that was made with the
// copy's keys.
func TestOldCopyWithoutRelay(t *testing.T) {
	simulate(t, func(w *world) {
		var refused refusals
		quiet := w.log
		w.logs = func(name string) *slog.Logger {
			if name == "bob" {
				return slog.New(&refused)
			}
			return quiet
		}
		a, b := w.node("alice"), w.node("bob")
		knowEachOther(a, b)
		a.await(a.send(b, "before"), localapi.Delivered, time.Minute)
		old := a.leaveCopy(func() {
			a.await(a.send(b, "lost with the home"), localapi.Delivered, time.Minute)
			b.await(b.send(a, "also lost"), localapi.Delivered, time.Minute)
		})
		time.Sleep(14 * time.Hour)

		a.dir = old
		a.start()
		a.await(a.send(b, "here again"), localapi.Delivered, 20*time.Minute)
		if !a.olderCopy() {
			t.Error("an old copy of a home was not noticed")
		}
		b.await(b.send(a, "welcome back"), localapi.Delivered, 20*time.Minute)
		// The copy did not know what it comes after.
		got, want := b.texts(a), []string{"also lost", "before", "hello bob", "here again", "lost with the home", "welcome back"}
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Errorf("bob sees %q, want %q", got, want)
		}
		if len(refused.all) > 0 {
			t.Errorf("bob refused %q", refused.all)
		}
		a.halt()
		a.start()
		a.await(a.send(b, "and later"), localapi.Delivered, time.Minute)
	})
}

// TestTwoCopiesWithoutRelay runs a home and a copy of it at once, without a relay: the
// copy learns from a contact that it is one, and the other ends.
func TestTwoCopiesWithoutRelay(t *testing.T) {
	simulate(t, func(w *world) {
		a, b := w.node("alice"), w.node("bob")
		knowEachOther(a, b)
		a.await(a.send(b, "hello"), localapi.Delivered, time.Minute)
		a.halt()
		twin := &simNode{w: w, name: "twin", ip: w.ip(), dir: a.copyHome()}
		a.start()
		a.await(a.send(b, "from the first"), localapi.Delivered, time.Minute)
		twin.start()
		w.stop = append(w.stop, twin.halt)
		twin.await(twin.send(b, "from the second"), localapi.Delivered, 20*time.Minute)
		if !twin.olderCopy() {
			t.Error("the copy does not know that the home was used since")
		}
		a.endsBesideCopy()
		b.await(b.send(a, "which are you?"), localapi.Delivered, 20*time.Minute)
	})
}
