package sessions

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"quicnprotochat/rpc"
	"quicnprotochat/transport"
)

// TestAwaitSession: a call that a relay refuses for want of a session goes on when one
// comes, and is given up when none does.
func TestAwaitSession(t *testing.T) {
	here, there := transport.Key{1}, transport.Key{2}
	refused := fmt.Errorf("relay: %w", rpc.ErrAccount)
	other := errors.New("another error")
	for _, test := range []struct {
		name    string
		logins  map[time.Duration]transport.Key // after this time, at a relay
		give    time.Duration                   // when the caller gives up; 0 never
		answer  error                           // to who is logged in here
		refusal error
		want    error
		calls   int
		took    time.Duration
	}{
		{name: "no session is wanted", refusal: nil, calls: 1},
		{name: "another error", refusal: other, want: other, calls: 1},
		{name: "a login", logins: map[time.Duration]transport.Key{10 * time.Second: here}, refusal: refused, calls: 2, took: 10 * time.Second},
		{name: "a session that has ended", logins: map[time.Duration]transport.Key{10 * time.Second: here}, refusal: rpc.ErrUnauthenticated, calls: 2, took: 10 * time.Second},
		{name: "a login elsewhere, then here", logins: map[time.Duration]transport.Key{5 * time.Second: there, 20 * time.Second: here}, refusal: refused, calls: 3, took: 20 * time.Second},
		{name: "an error after the login", logins: map[time.Duration]transport.Key{time.Second: here}, refusal: refused, answer: other, want: other, calls: 2, took: time.Second},
		{name: "no login", refusal: refused, want: ErrSession, calls: 1, took: 30 * time.Second},
		{name: "a login elsewhere", logins: map[time.Duration]transport.Key{5 * time.Second: there}, refusal: refused, want: ErrSession, calls: 2, took: 30 * time.Second},
		{name: "given up", give: 3 * time.Second, refusal: refused, want: context.DeadlineExceeded, calls: 1, took: 3 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx := t.Context()
				if test.give > 0 {
					var cancel func()
					ctx, cancel = context.WithTimeout(ctx, test.give)
					defer cancel()
				}
				s := New()
				for after, relay := range test.logins {
					time.AfterFunc(after, func() { s.Set(relay, []byte{1}) })
				}
				calls, began := 0, time.Now()
				err := s.Await(ctx, func() error {
					if calls++; s.Of(here) != nil {
						return test.answer
					}
					return test.refusal
				})
				if !errors.Is(err, test.want) || (err == nil) != (test.want == nil) {
					t.Errorf("got %v, want %v", err, test.want)
				}
				if took := time.Since(began); calls != test.calls || took != test.took {
					t.Errorf("%d calls in %v, want %d in %v", calls, took, test.calls, test.took)
				}
			})
		})
	}
}
