package metrics

import (
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"quicnprotochat/transport/tally"
)

// askTime is how long who connects has to ask, before others are cut off instead.
const askTime = time.Second

// crowd bounds the connections of a server. One more than there may be does not wait
// until the others are over, as those who say nothing would then keep out who asks: the
// one that has asked nothing for the longest time is cut off, if that is askTime, or
// else the one whose answer takes longest.
type crowd struct {
	most int
	cut  *tally.Tally

	// mu guards in.
	mu sync.Mutex
	in map[net.Conn]guest
}

// guest is a connection.
type guest struct {
	since time.Time // it is in its state
	asks  bool      // its request is being answered
}

// newCrowd returns one of nobody. When it is over its cut is to be closed.
func newCrowd(most int, log *slog.Logger) *crowd {
	return &crowd{most: most, in: make(map[net.Conn]guest), cut: tally.New(func(count int) {
		log.Warn("too many connections for metrics: those that ask nothing are cut off", "most", most, "cut", count)
	})}
}

// change is http.Server.ConnState: it is told of each connection, a new one before
// anything is read of it.
func (c *crowd) change(conn net.Conn, to http.ConnState) {
	if over := c.note(conn, to); over != nil {
		_ = over.Close()
		c.cut.Add()
	}
}

// note notes the state of a connection and returns the one to cut off, if any.
func (c *crowd) note(conn net.Conn, to http.ConnState) (over net.Conn) {
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if to == http.StateClosed || to == http.StateHijacked {
		delete(c.in, conn)
		return nil
	}
	if _, known := c.in[conn]; !known && to != http.StateNew {
		return nil // it was cut off
	}
	if to == http.StateNew && len(c.in) >= c.most {
		over = c.longest(now)
		delete(c.in, over)
	}
	c.in[conn] = guest{now, to == http.StateActive}
	return over
}

// longest returns the connection that is to go.
func (c *crowd) longest(now time.Time) (over net.Conn) {
	var silent, asks net.Conn
	for conn, g := range c.in {
		of := &silent
		if g.asks {
			of = &asks
		}
		if *of == nil || g.since.Before(c.in[*of].since) {
			*of = conn
		}
	}
	if silent != nil && (asks == nil || now.Sub(c.in[silent].since) >= askTime) {
		return silent
	}
	return asks
}
