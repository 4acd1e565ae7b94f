package deliver

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"quicnprotochat/node/deliver/pulse"
	"quicnprotochat/rpc"
	"quicnprotochat/rpc/budget"
	"quicnprotochat/transport"
)

// link is one NodeService stream to another machine.
type link struct {
	key    transport.Key
	conn   *rpc.Conn
	path   transport.Path
	tcp    bool // over TCP, which is taken only where UDP does not get through
	since  time.Time
	stream *transport.Stream
	*pulse.Pulse
}

// links are the streams to other machines.
type links struct {
	d      *Deliverer
	budget *budget.Budget // of all links together

	mu     sync.Mutex
	closed bool
	live   map[transport.Key][]*link   // newest last
	dials  map[transport.Key]*dial     // in progress
	failed map[transport.Key]time.Time // when the last dial failed
	looked map[transport.Key]time.Time // when the endpoint was last asked for
}

// dial is an attempt to open a link that several callers wait for.
type dial struct {
	since time.Time
	done  chan struct{}
	link  *link
	err   error
}

var errClosed = errors.New("node is stopping")

func (l *links) init(d *Deliverer) {
	l.d, l.budget = d, budget.New(0)
	l.live = make(map[transport.Key][]*link)
	l.dials = make(map[transport.Key]*dial)
	l.failed = make(map[transport.Key]time.Time)
	l.looked = make(map[transport.Key]time.Time)
}

// now returns the live link to a machine, nil if there is none.
func (l *links) now(k transport.Key) *link {
	l.mu.Lock()
	defer l.mu.Unlock()
	if all := l.live[k]; len(all) > 0 {
		return all[len(all)-1]
	}
	return nil
}

// get returns the live link to a machine, or dials it. One dial serves all who
// wait; it goes on when ctx of one of them ends.
func (l *links) get(ctx context.Context, k transport.Key) (*link, error) {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return nil, errClosed
	}
	if all := l.live[k]; len(all) > 0 {
		l.mu.Unlock()
		return all[len(all)-1], nil
	}
	dl := l.dials[k]
	if dl == nil {
		dl = &dial{since: time.Now(), done: make(chan struct{})}
		l.dials[k] = dl
		l.d.tasks.run(func(ctx context.Context) { l.dial(ctx, k, dl) })
	}
	l.mu.Unlock()
	select {
	case <-dl.done:
		return dl.link, dl.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (l *links) dial(ctx context.Context, k transport.Key, dl *dial) {
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	s, err := l.d.open(ctx, k)
	l.mu.Lock()
	delete(l.dials, k)
	if err != nil {
		l.failed[k] = time.Now()
	}
	l.mu.Unlock()
	if err == nil {
		dl.link = l.adopt(s)
	}
	dl.err = err
	close(dl.done)
	if dl.link != nil {
		l.watch(dl.link)
	}
}

// serve adopts a stream that the other machine opened and returns when it ends.
func (l *links) serve(s *transport.Stream) {
	l.watch(l.adopt(s))
}

// adopt makes a link of a stream.
func (l *links) adopt(s *transport.Stream) *link {
	k := s.Key()
	ln := &link{key: k, path: s.Path(), tcp: s.Remote() != "" && !s.Remote().IsQUIC(), since: time.Now(), stream: s, Pulse: pulse.New()}
	ln.conn = rpc.NewConn(s, rpc.ConnConfig{
		Service: l.d.cfg.Service,
		Peer:    rpc.Peer{Identity: rpc.Identity(k), Proven: true, Remote: s.RemoteHost()},
		Token:   func() []byte { return l.d.sessions.Token(k) },
		Budget:  l.budget,
		Log:     l.d.cfg.Log.With("peer", k),
	})
	l.mu.Lock()
	l.live[k] = append(l.live[k], ln)
	delete(l.failed, k)
	closed := l.closed
	l.mu.Unlock()
	if closed {
		_ = ln.conn.Close()
	}
	return ln
}

// watch tells of a new link and removes it when it ends.
func (l *links) watch(ln *link) {
	l.d.wake(rpc.Identity(ln.key), wakeLink)
	l.d.relayUp(ln.key)
	l.d.tasks.run(func(ctx context.Context) { l.guard(ctx, ln) })
	l.d.tasks.run(func(ctx context.Context) { l.d.askEndpoint(ctx, ln) })
	<-ln.conn.Done()
	_ = ln.conn.Close()
	l.mu.Lock()
	defer l.mu.Unlock()
	rest := slices.DeleteFunc(l.live[ln.key], func(x *link) bool { return x == ln })
	if len(rest) == 0 {
		delete(l.live, ln.key)
		return
	}
	l.live[ln.key] = rest
}

// drop closes a link that did not answer, with the connection that it is on, so
// that the next call dials anew. The connection goes first: what waits to be written
// to a machine that is gone would hold up the end for minutes.
func (ln *link) drop() {
	ln.stream.Abandon()
	_ = ln.conn.Close()
}

// unreachable reports whether waiting for a machine is of no use: the link to it
// is silent, a dial has lasted for as long as it is waited for, or the last one
// failed a short while ago. A link that has been
// silent for long is given up, and the next call dials anew.
func (l *links) unreachable(k transport.Key) bool {
	if ln := l.now(k); ln != nil {
		silence, dead := ln.Silence()
		if dead {
			l.lost(ln)
		}
		return silence > 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if dl := l.dials[k]; dl != nil && time.Since(dl.since) >= Hedge {
		return true
	}
	at, ok := l.failed[k]
	return ok && time.Since(at) < unreachable
}

// fail notes that a machine could not be reached.
func (l *links) fail(k transport.Key) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failed[k] = time.Now()
}

// forgive forgets that a machine could not be reached: something changed.
func (l *links) forgive(k transport.Key) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.failed, k)
	delete(l.looked, k)
}

func (l *links) forgiveAll() {
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.failed)
	clear(l.looked)
}

// noUDP reports whether our network seems to block UDP: we reach somebody over TCP.
func (l *links) noUDP() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, all := range l.live {
		if slices.ContainsFunc(all, func(ln *link) bool { return ln.tcp }) {
			return true
		}
	}
	return false
}

// hedge is how long an answer of a machine is waited for before others are asked.
func (l *links) hedge(k transport.Key) time.Duration {
	if l.unreachable(k) {
		return 0
	}
	return Hedge
}

// mayLook reports, once per pause, that a machine's endpoint may be asked for.
func (l *links) mayLook(k transport.Key, pause time.Duration) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if at, ok := l.looked[k]; ok && time.Since(at) < pause {
		return false
	}
	l.looked[k] = time.Now()
	return true
}

func (l *links) close() {
	l.mu.Lock()
	l.closed = true
	var all []*link
	for _, lns := range l.live {
		all = append(all, lns...)
	}
	l.mu.Unlock()
	for _, ln := range all {
		_ = ln.conn.Close()
	}
}
