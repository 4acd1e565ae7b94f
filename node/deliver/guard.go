package deliver

import (
	"context"
	"sync"
	"time"
)

const (
	// deadAfter is how long a link may be silent, while an answer is waited for,
	// before it is given up; slowest is how many bytes a second it may take longer
	// for what is on its way.
	deadAfter = 3 * time.Second
	slowest   = 16 << 10
	// For busyTime after a message a link is asked each askEvery whether it is
	// alive, and given up if it does not answer within askTime: what comes next shall
	// find it, or know better. A quiet link is left to the transport.
	busyTime = 2 * time.Minute
	askEvery = 5 * time.Second
	askTime  = 8 * time.Second
)

// pulse is what is known of whether a link is alive.
type pulse struct {
	poke chan struct{} // capacity 1: something is to be looked at

	// mu guards the fields below.
	mu sync.Mutex
	// silent is since when a call has waited longer than the hedge with no answer to
	// any; zero: it answers.
	silent time.Time
	// heard is when it answered last, and used when a message went over it.
	heard, used time.Time
	// pending are the bytes on their way.
	pending int
	// suspect: something happened after which it may be dead.
	suspect bool
}

// answered notes that the other machine answers.
func (p *pulse) answered() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.silent, p.heard, p.suspect = time.Time{}, time.Now(), false
}

// doubt notes that it has not answered in time.
func (p *pulse) doubt() {
	p.mu.Lock()
	if p.silent.IsZero() {
		p.silent = time.Now()
	}
	p.mu.Unlock()
	signal(p.poke)
}

// use notes that a message goes or came; n are the bytes that are on their way from
// now on, below zero no more.
func (p *pulse) use(n int) {
	p.mu.Lock()
	p.used = time.Now()
	p.pending += n
	p.mu.Unlock()
	signal(p.poke)
}

// mayBeDead lets it be asked at once.
func (p *pulse) mayBeDead() {
	p.mu.Lock()
	p.suspect = true
	p.mu.Unlock()
	signal(p.poke)
}

// silence is how long the other machine has not answered, 0 if it does, and whether
// that is too long. What was long ago says nothing of now, and is forgotten.
func (p *pulse) silence() (d time.Duration, dead bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.silent.IsZero() {
		return 0, false
	}
	d = max(time.Since(p.silent), 1)
	if p.pending == 0 && d > unreachable {
		p.silent, d = time.Time{}, 0
	}
	return d, d > p.patience()
}

// patience is how long it may be silent. p.mu is held.
func (p *pulse) patience() time.Duration {
	return deadAfter + time.Duration(p.pending)*time.Second/slowest
}

// next says what to do for a link: nothing for now, or to look at it again after
// wait, or to ask it, for at most limit.
func (p *pulse) next(now time.Time) (wait, limit time.Duration, idle bool) {
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
		return 0, askTime, false
	}
}

// guard gives up a link when it is dead, until it ends.
func (l *links) guard(ctx context.Context, ln *link) {
	for {
		wait, limit, idle := ln.next(time.Now())
		switch _, dead := ln.silence(); {
		case dead || limit > 0 && !ln.ask(ctx, limit):
			l.lost(ln)
			return
		case limit > 0:
			continue
		}
		over := make(<-chan time.Time)
		if !idle {
			over = time.After(wait)
		}
		select {
		case <-ctx.Done():
			return
		case <-ln.conn.Done():
			return
		case <-ln.poke:
		case <-over:
		}
	}
}

// ask calls the other machine and reports whether it answers.
func (ln *link) ask(ctx context.Context, limit time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if _, err := ln.conn.Client().Health(ctx); err != nil {
		return false
	}
	ln.answered()
	return true
}

// lost gives up a link that is dead, so that the next call dials anew.
func (l *links) lost(ln *link) {
	l.d.cfg.Log.Debug("link is dead", "peer", ln.key)
	l.fail(ln.key)
	ln.drop()
}

// suspect lets all links be asked at once whether they are alive: this machine
// slept, or its addresses changed.
func (l *links) suspect() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, all := range l.live {
		for _, ln := range all {
			ln.mayBeDead()
		}
	}
}
