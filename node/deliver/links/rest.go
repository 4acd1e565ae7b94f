package links

import (
	"time"

	"quicnprotochat/transport"
)

// restAfter is for how long a link is kept over which no message goes, and restSlack how
// much sooner the one at the other end may find that it is over.
const (
	restAfter = 24 * time.Hour
	restSlack = 2 * time.Hour
)

// Rest ends the links over which no message went for a day, but those to machines that are
// kept: each costs packets all the time. It is to be called each hour or so.
func (l *Links) Rest(kept func(k transport.Key) bool) {
	l.mu.Lock()
	var over []*Link
	for k, all := range l.live {
		for _, ln := range all {
			if ln.Unused() > restAfter && !kept(k) {
				over = append(over, ln)
			}
		}
	}
	l.mu.Unlock()
	for _, ln := range over {
		ln.Drop()
	}
}

// Resting reports whether the last link to a machine ended after nobody had used it for
// about a day: it is made anew when there is something to say.
func (l *Links) Resting(k transport.Key) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.resting[k]
}
