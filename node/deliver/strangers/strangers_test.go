package strangers

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"quicnprotochat/rpc"
)

func TestStrangers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New()
		one, other := rpc.Identity{1}, rpc.Identity{2}
		if err := s.Admit(one, strangerPayload+1); !errors.Is(err, rpc.ErrTooLarge) {
			t.Errorf("large payload: got %v, want ErrTooLarge", err)
		}
		for i := range strangerBurst {
			if err := s.Admit(one, 1000); err != nil {
				t.Fatalf("payload %d: %v", i, err)
			}
		}
		if err := s.Admit(one, 1000); !errors.Is(err, rpc.ErrBusy) {
			t.Errorf("over the limit: got %v, want ErrBusy", err)
		}
		if err := s.Admit(other, 1000); err != nil {
			t.Errorf("another stranger: %v", err)
		}
		time.Sleep(strangerPause)
		if err := s.Admit(one, 1000); err != nil {
			t.Errorf("after a pause: %v", err)
		}
		// Many at once are bounded together, and so is what is known of them.
		taken := 0
		for i := range 3 * strangersKnown {
			if s.Admit(rpc.Identity{3, byte(i), byte(i >> 8)}, 1000) == nil {
				taken++
			}
		}
		if taken > strangersBurst || len(s.one) > strangersKnown {
			t.Errorf("flood: took %d and knows %d, want at most %d and %d", taken, len(s.one), strangersBurst, strangersKnown)
		}
	})
}
