package accounts

import (
	"sync"
	"time"

	"quicnprotochat/relay/traffic"
)

// maxCounted bounds what a limit remembers; at the bound, and until windows end,
// who is not known yet is refused.
const maxCounted = 1 << 16

// limit counts what somebody did within a window. A restart forgets.
type limit struct {
	max    int
	window time.Duration
	now    func() time.Time

	// mu guards counts.
	mu     sync.Mutex
	counts map[string]*count
}

type count struct {
	end time.Time
	n   int
}

func newLimit(max int, window time.Duration, now func() time.Time) *limit {
	return &limit{max: max, window: window, now: now, counts: make(map[string]*count)}
}

// take counts one more for who, or reports that it is one too many.
func (l *limit) take(who string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	c := l.counts[who]
	if c == nil || l.over(c, now) {
		if c == nil && len(l.counts) >= maxCounted && !l.drop(now) {
			return false
		}
		c = &count{end: now.Add(l.window)}
		l.counts[who] = c
	}
	if c.n >= l.max {
		return false
	}
	c.n++
	return true
}

// giveBack takes one back.
func (l *limit) giveBack(who string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c := l.counts[who]; c != nil && c.n > 0 {
		c.n--
	}
}

// over reports whether a window has ended, or lies in a future that a clock set
// back made.
func (l *limit) over(c *count, now time.Time) bool {
	return !now.Before(c.end) || now.Before(c.end.Add(-l.window))
}

// forget drops the windows that have ended: who tried what is nobody's business then.
func (l *limit) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.drop(l.now())
}

// drop drops the windows that have ended and reports whether there were any.
func (l *limit) drop(now time.Time) bool {
	n := len(l.counts)
	for who, c := range l.counts {
		if l.over(c, now) {
			delete(l.counts, who)
		}
	}
	return len(l.counts) < n
}

// network is what an address is counted by, so that who has many of IPv6 has no more
// than others.
func network(remote string) string {
	p, known := traffic.Network(remote)
	if !known {
		return remote
	}
	return p.String()
}
