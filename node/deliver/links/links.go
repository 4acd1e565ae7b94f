package links

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"quicnprotochat/rpc"
	"quicnprotochat/rpc/budget"
	"quicnprotochat/transport"
)

// Times of links.
const (
	// Hedge is how long an answer of a machine is waited for before others are asked.
	Hedge = 250 * time.Millisecond
	// DialTime bounds one dial.
	DialTime = 10 * time.Second
	// CallTime bounds one call of another machine.
	CallTime = 15 * time.Second
	// unreachable is how long a failed dial lets others be asked at once.
	unreachable = 30 * time.Second
)

// ErrClosed is what Get returns after Close.
var ErrClosed = errors.New("node is stopping")

// Config says how links are made. All fields are required.
type Config struct {
	// Open opens a stream to a machine.
	Open func(ctx context.Context, k transport.Key) (*transport.Stream, error)
	// Before is told of a machine before a link to it is used, Up of each new link. They
	// must not block.
	Before func(k transport.Key)
	Up     func(*Link)
	// Go runs fn in a goroutine with a context that ends after Close.
	Go func(fn func(ctx context.Context)) bool
	// Service is what is answered, Token the access token of our calls to a machine.
	Service *rpc.Service
	Token   func(k transport.Key) []byte
	// Budget bounds the memory of all links together.
	Budget *budget.Budget
	Log    *slog.Logger
}

// Link is one NodeService stream to another machine.
type Link struct {
	// Key is who is at the other end, Path the way there, Since when the link came up.
	Key   transport.Key
	Path  transport.Path
	Since time.Time
	*Wire

	tcp    bool // over TCP, which is taken only where UDP does not get through
	stream *transport.Stream
}

// Worn reports whether a link has ended only because its connection is to be made anew.
func (ln *Link) Worn() bool { return ln.stream.Worn() }

// Done is closed when the link has ended.
func (ln *Link) Done() <-chan struct{} { return ln.conn.Done() }

// Links are the streams to other machines. Their methods may be called from many
// goroutines.
type Links struct {
	cfg Config

	// mu guards the fields below.
	mu     sync.Mutex
	closed bool
	live   map[transport.Key][]*Link   // newest last
	dials  map[transport.Key]*dial     // in progress
	failed map[transport.Key]time.Time // when the last dial failed
	looked map[transport.Key]time.Time // when the endpoint was last asked for

	resting map[transport.Key]bool // see Resting
}

// dial is an attempt to open a link that several callers wait for.
type dial struct {
	since time.Time
	done  chan struct{}
	link  *Link
	err   error
}

// New returns no links.
func New(cfg Config) *Links {
	return &Links{
		cfg:    cfg,
		live:   make(map[transport.Key][]*Link),
		dials:  make(map[transport.Key]*dial),
		failed: make(map[transport.Key]time.Time),
		looked: make(map[transport.Key]time.Time),

		resting: make(map[transport.Key]bool),
	}
}

// Now returns the live link to a machine, nil if there is none.
func (l *Links) Now(k transport.Key) *Link {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.newest(k)
}

// newest is Now. l.mu is held.
func (l *Links) newest(k transport.Key) *Link {
	if all := l.live[k]; len(all) > 0 {
		return all[len(all)-1]
	}
	return nil
}

// Get returns the live link to a machine, or dials it. One dial serves all who
// wait; it goes on when ctx of one of them ends.
func (l *Links) Get(ctx context.Context, k transport.Key) (*Link, error) {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return nil, ErrClosed
	}
	if ln := l.newest(k); ln != nil {
		l.mu.Unlock()
		return ln, nil
	}
	dl := l.dials[k]
	if dl == nil {
		dl = &dial{since: time.Now(), done: make(chan struct{})}
		l.dials[k] = dl
		l.cfg.Go(func(ctx context.Context) { l.dial(ctx, k, dl) })
	}
	l.mu.Unlock()
	select {
	case <-dl.done:
		return dl.link, dl.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (l *Links) dial(ctx context.Context, k transport.Key, dl *dial) {
	ctx, cancel := context.WithTimeout(ctx, DialTime)
	defer cancel()
	s, err := l.cfg.Open(ctx, k)
	if err == nil {
		dl.link = l.adopt(s) // before the dial is over: who comes now needs no other
	}
	dl.err = err
	l.mu.Lock()
	delete(l.dials, k)
	if err != nil {
		l.failed[k] = time.Now()
	}
	l.mu.Unlock()
	close(dl.done)
	if dl.link != nil {
		l.watch(dl.link)
	}
}

// Serve adopts a stream that the other machine opened and returns when it ends.
func (l *Links) Serve(s *transport.Stream) {
	l.watch(l.adopt(s))
}

// adopt makes a link of a stream.
func (l *Links) adopt(s *transport.Stream) *Link {
	k := s.Key()
	l.cfg.Before(k)
	ln := &Link{Key: k, Path: s.Path(), tcp: s.Remote() != "" && !s.Remote().IsQUIC(), Since: time.Now(), stream: s}
	ln.Wire = NewWire(rpc.NewConn(s, rpc.ConnConfig{
		Service: l.cfg.Service,
		Peer:    rpc.Peer{Identity: rpc.Identity(k), Proven: true, Remote: s.RemoteHost()},
		Token:   func() []byte { return l.cfg.Token(k) },
		Budget:  l.cfg.Budget,
		Log:     l.cfg.Log.With("peer", k),
	}), s.RTT)
	l.mu.Lock()
	l.live[k] = append(l.live[k], ln)
	delete(l.failed, k)
	delete(l.resting, k)
	closed := l.closed
	l.mu.Unlock()
	if closed {
		_ = ln.conn.Close()
	}
	return ln
}

// watch tells of a new link and removes it when it ends.
func (l *Links) watch(ln *Link) {
	l.cfg.Up(ln)
	l.cfg.Go(func(ctx context.Context) { l.guard(ctx, ln) })
	<-ln.conn.Done()
	_ = ln.conn.Close()
	if ln.Worn() {
		defer l.cfg.Go(func(ctx context.Context) { _, _ = l.Get(ctx, ln.Key) })
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	rest := slices.DeleteFunc(l.live[ln.Key], func(x *Link) bool { return x == ln })
	if len(rest) == 0 {
		delete(l.live, ln.Key)
		if ln.Unused() > restAfter-restSlack {
			l.resting[ln.Key] = true
		}
		return
	}
	l.live[ln.Key] = rest
}

// Drop closes a link that did not answer, with the connection that it is on and its
// twins, so that the next call dials anew. The connection goes first: what waits to be
// written to a machine that is gone would hold up the end for minutes.
func (ln *Link) Drop() {
	ln.stream.Abandon(ln.Heard())
	_ = ln.conn.Close()
}

// Unreachable reports whether waiting for a machine is of no use: the link to it
// is silent, a dial has lasted for as long as it is waited for, or the last one
// failed a short while ago. A link that has been
// silent for long is given up, and the next call dials anew.
func (l *Links) Unreachable(k transport.Key) bool {
	if ln := l.Now(k); ln != nil {
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

// Failed returns when the last dial of a machine failed; zero if it did not, or something
// has changed since.
func (l *Links) Failed(k transport.Key) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.failed[k]
}

// fail notes that a machine could not be reached.
func (l *Links) fail(k transport.Key) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failed[k] = time.Now()
}

// Forgive forgets that a machine could not be reached: something changed.
func (l *Links) Forgive(k transport.Key) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.failed, k)
	delete(l.looked, k)
}

// ForgiveAll is Forgive for all machines.
func (l *Links) ForgiveAll() {
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.failed)
	clear(l.looked)
}

// NoUDP reports whether our network seems to block UDP: we reach somebody over TCP.
func (l *Links) NoUDP() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, all := range l.live {
		if slices.ContainsFunc(all, func(ln *Link) bool { return ln.tcp }) {
			return true
		}
	}
	return false
}

// Hedge is how long an answer of a machine is waited for before others are asked.
func (l *Links) Hedge(k transport.Key) time.Duration {
	if l.Unreachable(k) {
		return 0
	}
	return Hedge
}

// MayLook reports, once per pause, that a machine's endpoint may be asked for.
func (l *Links) MayLook(k transport.Key, pause time.Duration) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if at, ok := l.looked[k]; ok && time.Since(at) < pause {
		return false
	}
	l.looked[k] = time.Now()
	return true
}

// Close ends all links, and lets no other one begin.
func (l *Links) Close() {
	l.mu.Lock()
	l.closed = true
	var all []*Link
	for _, lns := range l.live {
		all = append(all, lns...)
	}
	l.mu.Unlock()
	for _, ln := range all {
		_ = ln.conn.Close()
	}
}
