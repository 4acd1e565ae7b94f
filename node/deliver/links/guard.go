package links

import (
	"context"
	"errors"
	"time"

	"quicnprotochat/rpc"
)

// guard gives up a link when it is dead, until it ends.
func (l *Links) guard(ctx context.Context, ln *Link) {
	for {
		wait, limit, idle := ln.Next(time.Now())
		switch _, dead := ln.Silence(); {
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
		case <-ln.Poked():
		case <-over:
		}
	}
}

// ask calls the other machine and reports whether it answers, be it with an error.
func (ln *Link) ask(ctx context.Context, limit time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if _, err := ln.conn.Client().Health(ctx); ctx.Err() != nil || errors.Is(err, rpc.ErrDisconnected) {
		return false
	}
	ln.Answered()
	return true
}

// Expect lets the other machine be asked whether it is alive when a call that begins now
// is not over after the hedge.
func (ln *Link) Expect() (over func() bool) {
	return time.AfterFunc(Hedge, ln.MayBeDead).Stop
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
