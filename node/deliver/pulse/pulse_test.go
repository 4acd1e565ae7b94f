package pulse

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestPulse asks at which times a link is looked at, in virtual time.
func TestPulse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rtt := time.Duration(0)
		p := New(func() (time.Duration, bool) { return rtt, rtt > 0 })
		next := func() (wait, limit time.Duration, idle bool) { return p.Next(time.Now()) }
		if _, _, idle := next(); !idle {
			t.Error("a link over which no message went is looked at")
		}
		p.MayBeDead()
		if _, limit, _ := next(); limit != firstWait {
			t.Errorf("asked for %v while it is not known how long a packet takes", limit)
		}
		p.Answered()
		rtt = 30 * time.Millisecond
		p.Use(0)
		if wait, limit, idle := next(); wait != askEvery || limit != 0 || idle {
			t.Errorf("got %v, %v, %v for one that was used and answered just now", wait, limit, idle)
		}
		time.Sleep(askEvery)
		if _, limit, _ := next(); limit != askTime {
			t.Errorf("asked for %v, want %v", limit, askTime)
		}
		if askEvery+askTime > 15*time.Second {
			t.Error("what dies in a conversation is noticed too late")
		}
		time.Sleep(busyTime)
		if _, _, idle := next(); !idle {
			t.Error("a quiet link is looked at")
		}
		p.MayBeDead()
		if _, limit, _ := next(); limit != DeadAfter {
			t.Errorf("asked for %v after a sleep", limit)
		}
		p.Answered()
		p.Use(8 * slowest)
		p.Doubt()
		time.Sleep(DeadAfter + 5*time.Second)
		if _, dead := p.Silence(); dead {
			t.Error("a slow link is dead while much is on its way")
		}
		time.Sleep(4 * time.Second)
		if _, dead := p.Silence(); !dead {
			t.Error("a link that takes nothing is alive")
		}
		p.Answered()
		p.Use(-8 * slowest)
		for at, want := range map[time.Duration]time.Duration{time.Millisecond: DeadAfter, time.Second: DeadAfter, 4 * time.Second: 8 * time.Second, time.Hour: mostWait} {
			rtt = at
			p.Doubt()
			time.Sleep(want)
			_, early := p.Silence()
			time.Sleep(time.Millisecond)
			if _, dead := p.Silence(); early || !dead {
				t.Errorf("packets take %v: dead after %v %v, and after a millisecond more %v", at, want, early, dead)
			}
			p.Answered()
		}
		if d, dead := p.Silence(); d != 0 || dead {
			t.Errorf("got %v, %v of one that answers", d, dead)
		}
	})
}
