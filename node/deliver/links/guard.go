package links

import "context"

// guard gives up a link when it is dead, until it ends.
func (l *Links) guard(ctx context.Context, ln *Link) {
	if ln.Dies(ctx) {
		l.lost(ln)
	}
}

// lost gives up a link that is dead, so that the next call dials anew.
func (l *Links) lost(ln *Link) {
	l.cfg.Log.Debug("link is dead", "peer", ln.Key)
	l.fail(ln.Key)
	ln.Drop()
}

// Suspect lets all links be asked at once whether they are alive: this machine
// slept, or its addresses changed.
func (l *Links) Suspect() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, all := range l.live {
		for _, ln := range all {
			ln.MayBeDead()
		}
	}
}
