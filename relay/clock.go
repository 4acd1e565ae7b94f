package relay

import (
	"context"
	"time"
)

// clockEvery is how often a relay looks whether its clock was set back.
const clockEvery = 30 * time.Second

// watchClock lets all who wait for mail look again, until ctx ends, when the clock of the
// machine was set back. By the clock of before some of it was too old: it is there again,
// and nothing comes that would tell them.
func (s *service) watchClock(ctx context.Context) {
	tick := time.NewTicker(clockEvery)
	defer tick.Stop()
	// Without the reading of the monotonic clock, which nobody can set.
	for last := s.cfg.Now().Round(0); ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := s.cfg.Now().Round(0)
		if now.Before(last) {
			s.cfg.Log.Warn("clock of this machine was set back", "by", last.Sub(now).Round(time.Second))
			s.waiters.wakeAll()
		}
		last = now
	}
}
