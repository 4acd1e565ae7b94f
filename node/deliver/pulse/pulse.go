package pulse

import (
	"sync"
	"time"
)

const (
	// DeadAfter is how long a connection may be silent, while an answer is waited for,
	// before it is given up; slowest is how many bytes a second it may take longer
	// for what is on its way. With the hedge before it, and for a short message, that
	// is 3 s after it was sent.
	DeadAfter = 2600 * time.Millisecond
	slowest   = 16 << 10
	// Where packets take long, as over a satellite or through a full queue, two of their
	// round trips are waited for if that is more, and not more than mostWait; and
	// firstWait while it is not known how long they take.
	mostWait  = 10 * time.Second
	firstWait = 8 * time.Second
	// For busyTime after a message a link is asked each askEvery whether it is
	// alive, and given up if it does not answer within askTime: what comes next shall
	// find it, or know better. A quiet link is left to the transport.
	busyTime = 2 * time.Minute
	askEvery = 5 * time.Second
	askTime  = 8 * time.Second
	// forget is after which time it is of no concern any more that nobody answered.
	forget = 30 * time.Second
)

// Pulse is what is known of whether a connection is alive.
type Pulse struct {
	poke chan struct{} // capacity 1
	rtt  func() (took time.Duration, known bool)

	// mu guards the fields below.
	mu sync.Mutex
	// silent is since when a call has waited longer than the hedge with no answer to
	// any; zero: it answers.
	silent time.Time
	// heard is when it answered last, used when a message went over it, and made when it
	// came up.
	heard, used, made time.Time
	// pending are the bytes on their way.
	pending int
	// suspect: something happened after which it may be dead.
	suspect bool
}

// New returns that of a connection that was just made. rtt is how long a packet takes there
// and back of late, if that is known; it must not block.
func New(rtt func() (took time.Duration, known bool)) *Pulse {
	p := &Pulse{poke: make(chan struct{}, 1), rtt: rtt, made: time.Now()}
	p.Answered()
	return p
}

// Poked has a token when something is to be looked at before its time.
func (p *Pulse) Poked() <-chan struct{} { return p.poke }

func (p *Pulse) signal() {
	select {
	case p.poke <- struct{}{}:
	default:
	}
}

// Answered notes that the other machine answers.
func (p *Pulse) Answered() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.silent, p.heard, p.suspect = time.Time{}, time.Now(), false
}

// Heard returns when the other machine answered last, or the connection came up.
func (p *Pulse) Heard() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.heard
}

// Doubt notes that it has not answered in time.
func (p *Pulse) Doubt() {
	p.mu.Lock()
	if p.silent.IsZero() {
		p.silent = time.Now()
	}
	p.mu.Unlock()
	p.signal()
}

// Use notes that a message goes or came; n are the bytes that are on their way from
// now on, below zero no more.
func (p *Pulse) Use(n int) {
	p.mu.Lock()
	p.used = time.Now()
	p.pending += n
	p.mu.Unlock()
	p.signal()
}

// Unused is for how long no message went over it.
func (p *Pulse) Unused() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.used.After(p.made) {
		return time.Since(p.used)
	}
	return time.Since(p.made)
}

// MayBeDead lets it be asked at once.
func (p *Pulse) MayBeDead() {
	p.mu.Lock()
	p.suspect = true
	p.mu.Unlock()
	p.signal()
}

// Silence is how long the other machine has not answered, 0 if it does, and whether
// that is too long. What was long ago says nothing of now, and is forgotten.
func (p *Pulse) Silence() (d time.Duration, dead bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.silent.IsZero() {
		return 0, false
	}
	d = max(time.Since(p.silent), 1)
	if p.pending == 0 && d > forget {
		p.silent, d = time.Time{}, 0
	}
	return d, d > p.patience()
}

// patience is how long it may be silent. p.mu is held.
func (p *Pulse) patience() time.Duration {
	wait := firstWait
	if trip, known := p.rtt(); known {
		wait = max(DeadAfter, min(2*trip, mostWait))
	}
	return wait + time.Duration(p.pending)*time.Second/slowest
}

// Next says what to do for a link: nothing for now, or to look at it again after
// wait, or to ask it, for at most limit.
func (p *Pulse) Next(now time.Time) (wait, limit time.Duration, idle bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	asked := max(0, p.heard.Add(askEvery).Sub(now))
	switch {
	case !p.silent.IsZero():
		return max(time.Millisecond, p.silent.Add(p.patience()).Sub(now)), 0, false
	case p.suspect, p.pending > 0 && asked == 0: // an answer is owed anyway
		return 0, p.patience(), false
	case now.Sub(p.used) > busyTime:
		return 0, 0, true
	case asked > 0:
		return asked, 0, false
	default:
		return 0, max(askTime, p.patience()), false
	}
}
