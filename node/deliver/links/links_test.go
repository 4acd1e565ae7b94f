package links

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"quicnprotochat/transport"
)

// TestUnreachable: a machine that a dial did not reach is not waited for, until 30 s later
// or until something changes; nor is one that is being dialled for longer than the hedge.
func TestUnreachable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, other := transport.Key{1}, transport.Key{2}
		takes := 5 * time.Second
		l := New(Config{
			Open: func(context.Context, transport.Key) (*transport.Stream, error) {
				time.Sleep(takes)
				return nil, errors.New("no answer")
			},
			Go:  func(fn func(context.Context)) bool { go fn(t.Context()); return true },
			Log: slog.New(slog.DiscardHandler),
		})
		dial := func(k transport.Key) { _, _ = l.Get(t.Context(), k) }
		want := func(when string, unreachable bool) {
			t.Helper()
			if got := l.Unreachable(k); got != unreachable {
				t.Errorf("%s: unreachable: got %v", when, got)
			}
			if got := l.Hedge(k); (got == 0) != unreachable {
				t.Errorf("%s: hedge: got %v", when, got)
			}
		}
		want("never dialled", false)
		go dial(k)
		time.Sleep(Hedge / 2)
		want("dialled a moment ago", false)
		time.Sleep(Hedge)
		want("dialled for longer than the hedge", true)
		time.Sleep(takes)
		want("in vain", true)
		time.Sleep(unreachable - time.Second)
		want("29 s later", true)
		time.Sleep(2 * time.Second)
		want("31 s later", false)
		dial(k)
		l.Forgive(other)
		want("in vain again", true)
		l.Forgive(k)
		want("something changed for it", false)
		dial(k)
		l.ForgiveAll()
		want("something changed for all", false)
	})
}
