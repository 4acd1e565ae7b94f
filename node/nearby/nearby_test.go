package nearby

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"quicnprotochat/transport"
)

// TestNames asks each machine once, one that does not answer again after a while, and
// keeps names clean.
func TestNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked, learnt := map[transport.Key]int{}, map[transport.Key]string{}
		anna, mute := transport.Key{1}, transport.Key{2}
		turn := make(chan struct{}, 1) // one at a time
		turn <- struct{}{}
		n := New(Config{
			Ask: func(_ context.Context, k transport.Key) (string, error) {
				<-turn
				defer func() { turn <- struct{}{} }()
				if asked[k]++; k == mute && asked[k] < 3 {
					return "", errors.New("no answer")
				}
				return " An\u202ena\n", nil
			},
			Learnt: func(k transport.Key, name string) { learnt[k] = name },
			Log:    slog.New(slog.DiscardHandler),
		})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- n.Run(ctx) }()
		for range 10 {
			n.Heard(anna)
			n.Heard(mute)
		}
		synctest.Wait()
		if asked[anna] != 1 || asked[mute] != 1 || n.Of(anna) != "Anna" || n.Of(mute) != "" {
			t.Errorf("asked %v, got %q and %q", asked, n.Of(anna), n.Of(mute))
		}
		for range 2 {
			time.Sleep(retry)
			n.Heard(anna)
			n.Heard(mute)
			synctest.Wait()
		}
		if asked[anna] != 1 || asked[mute] != 3 || learnt[mute] != "Anna" {
			t.Errorf("asked %v, learnt %v", asked, learnt)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// TestManyNames hears more machines than names are kept of.
func TestManyNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New(Config{
			Ask:    func(context.Context, transport.Key) (string, error) { return "x", nil },
			Learnt: func(transport.Key, string) {},
			Log:    slog.New(slog.DiscardHandler),
		})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- n.Run(ctx) }()
		for i := range 2 * most {
			n.Heard(transport.Key{byte(i), byte(i >> 8), 1})
			synctest.Wait()
		}
		if len(n.known) != most {
			t.Errorf("got %d names, want %d", len(n.known), most)
		}
		time.Sleep(again)
		n.Heard(transport.Key{9, 9, 9})
		synctest.Wait()
		if len(n.known) > most || n.Of(transport.Key{9, 9, 9}) != "x" {
			t.Errorf("after an hour: got %d names, %q", len(n.known), n.Of(transport.Key{9, 9, 9}))
		}
		cancel()
		<-done
	})
}
