package links

import (
	"context"
	"errors"
	"time"

	"quicnprotochat/node/deliver/pulse"
	"quicnprotochat/rpc"
)

// Wire is a connection for calls that is asked whether it is alive.
type Wire struct {
	*pulse.Pulse
	conn *rpc.Conn
}

// NewWire returns that of a connection which was just made, rtt how long a packet takes on
// it, see pulse.New.
func NewWire(conn *rpc.Conn, rtt func() (took time.Duration, known bool)) *Wire {
	return &Wire{pulse.New(rtt), conn}
}

// Client calls the other machine.
func (w *Wire) Client() *rpc.Client { return w.conn.Client() }

// Dies asks the other machine whether it is alive, whenever that is due. It returns true
// when it is not, and false when the connection, or ctx, has ended.
func (w *Wire) Dies(ctx context.Context) bool {
	for {
		wait, limit, idle := w.Next(time.Now())
		switch _, dead := w.Silence(); {
		case dead || limit > 0 && !w.ask(ctx, limit):
			return ctx.Err() == nil
		case limit > 0:
			continue
		}
		over := make(<-chan time.Time)
		if !idle {
			over = time.After(wait)
		}
		select {
		case <-ctx.Done():
			return false
		case <-w.conn.Done():
			return false
		case <-w.Poked():
		case <-over:
		}
	}
}

// ask calls the other machine and reports whether it answers, be it with an error.
func (w *Wire) ask(ctx context.Context, limit time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if _, err := w.conn.Client().Health(ctx); ctx.Err() != nil || errors.Is(err, rpc.ErrDisconnected) {
		return false
	}
	w.Answered()
	return true
}

// Expect lets the other machine be asked whether it is alive when a call that begins now
// is not over after the hedge.
func (w *Wire) Expect() (over func() bool) {
	return time.AfterFunc(Hedge, w.MayBeDead).Stop
}
