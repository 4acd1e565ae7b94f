package deliver

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestPulse asks at which times a link is looked at, in virtual time.
func TestPulse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pulse{poke: make(chan struct{}, 1)}
		p.answered()
		next := func() (wait, limit time.Duration, idle bool) { return p.next(time.Now()) }
		if _, _, idle := next(); !idle {
			t.Error("a link over which no message went is looked at")
		}
		p.use(0)
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
		p.mayBeDead()
		if _, limit, _ := next(); limit != deadAfter {
			t.Errorf("asked for %v after a sleep", limit)
		}
		p.answered()
		p.use(8 * slowest)
		p.doubt()
		time.Sleep(deadAfter + 5*time.Second)
		if _, dead := p.silence(); dead {
			t.Error("a slow link is dead while much is on its way")
		}
		time.Sleep(4 * time.Second)
		if _, dead := p.silence(); !dead {
			t.Error("a link that takes nothing is alive")
		}
		p.answered()
		if d, dead := p.silence(); d != 0 || dead {
			t.Errorf("got %v, %v of one that answers", d, dead)
		}
	})
}

// TestHomeWait draws when 1,000 nodes that lost their relay at once come back.
func TestHomeWait(t *testing.T) {
	const nodes = 1000
	second := map[time.Duration]int{}
	for range nodes {
		w := homeWait(homePause)
		if w < 0 || w > homePause {
			t.Fatalf("waits %v", w)
		}
		second[w/time.Second]++
	}
	for s, n := range second {
		if n > nodes/3 {
			t.Errorf("%d of %d come back in second %d", n, nodes, s)
		}
	}
}
