package budget

import (
	"errors"
	"slices"
	"sync"
	"time"
)

// DefaultSize is the size of a Budget, in bytes.
const DefaultSize = 48 << 20

const (
	// Tiny messages, in bytes, take nothing of a Budget and never wait: calls in
	// flight are counted, and these calls keep a node usable under a flood.
	Tiny = 4 << 10
	// small messages may use a quarter of a pool that others may not.
	small = 64 << 10
	// roomPatience is how long a message waits for memory: less than the
	// other side waits for us to read on.
	roomPatience = 45 * time.Second
	// passTime is how long a message may be on its way in or out while others
	// wait for memory.
	passTime = 20 * time.Second
	// maxQueue is how many messages may wait for room in one direction, large
	// ones and small ones each: what the streams of those that wait have
	// received is in memory too.
	maxQueue = 32
	// pauseTime is how long nothing of it may come while others wait.
	pauseTime = 5 * time.Second
)

// ErrCrowded ends a connection whose message got no memory in time, or was
// too slow to leave it to others.
var ErrCrowded = errors.New("too many large messages at once")

// ErrClosed means that the connection has ended.
var ErrClosed = errors.New("connection has ended")

// Budget bounds the memory of the messages of many connections together. Each
// message is counted from before it is read until its call is answered (an
// answer: until it is processed), and what Room asks for until the answer is
// written. When there is no room they wait; a connection whose message waits is
// not read meanwhile. So a flood waits, and what is small goes on: messages up
// to 4 KiB never wait, those up to 64 KiB have a reserve, and no peer gets more
// than a third while it has anything. A message that keeps its place for too
// long while others wait ends its connection, and so does one that comes when
// too many wait.
type Budget struct {
	in, out pool
}

// New returns a Budget; 0 bytes means DefaultSize. Half is for messages
// that come in, half for answers.
func New(bytes int64) *Budget {
	if bytes == 0 {
		bytes = DefaultSize
	}
	b := new(Budget)
	for _, p := range []*pool{&b.in, &b.out} {
		p.limit, p.held, p.seats = bytes/2, make(map[Peer]int64), make(map[*Seat]bool)
	}
	return b
}

// Peer is whose share of a Budget a message takes: 32 bytes that name a caller.
type Peer [32]byte

// pool is the room for messages of one direction.
type pool struct {
	limit int64

	mu    sync.Mutex // guards the fields below, and those of all seats
	used  int64
	held  map[Peer]int64
	seats map[*Seat]bool // those that have room
	queue []*Seat        // those that wait for room, the longest first
}

// Seat is the room of one message. A nil Seat is that of a message that needs none.
type Seat struct {
	// The pool guards the fields below.
	a     *Share
	p     *pool
	n     int64
	ready chan struct{} // closed when it has room
	began time.Time     // when the message began to move; zero while it does not
	moved time.Time     // when the last part of it came in; zero if that is not known
}

// Moves notes when the message of s began to move, and when it last did.
func (s *Seat) Moves(began, moved time.Time) {
	if s != nil {
		s.p.mu.Lock()
		defer s.p.mu.Unlock()
		s.began, s.moved = began, moved
	}
}

// enter gives a seat room or lets it wait, unless too many do.
func (p *pool) enter(s *Seat) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.queue = append(p.queue, s)
	p.grant()
	waiting := 0
	for _, other := range p.queue {
		if (other.n > small) == (s.n > small) {
			waiting++
		}
	}
	if waiting > maxQueue && p.queue[len(p.queue)-1] == s {
		p.queue = p.queue[:len(p.queue)-1]
		return false
	}
	return true
}

// shrink leaves n bytes to a seat that has room.
func (p *pool) shrink(s *Seat, n int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.seats[s] {
		return
	}
	p.used -= s.n - n
	p.held[s.a.peer] -= s.n - n
	s.n = n
	p.grant()
}

// leave ends a seat, whether it has room or waits.
func (p *pool) leave(s *Seat) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.seats[s] {
		delete(p.seats, s)
		p.used -= s.n
		if p.held[s.a.peer] -= s.n; p.held[s.a.peer] == 0 {
			delete(p.held, s.a.peer)
		}
	} else if i := slices.Index(p.queue, s); i >= 0 {
		p.queue = slices.Delete(p.queue, i, i+1)
	}
	p.grant()
}

// grant gives room to those that wait, in their order. Who is over the share
// of one peer holds up nobody else, and large ones hold up no small ones.
func (p *pool) grant() {
	full := false // for large ones
	p.queue = slices.DeleteFunc(p.queue, func(s *Seat) bool {
		limit := p.limit
		if s.n > small {
			limit -= p.limit / 4
		}
		held := p.held[s.a.peer]
		switch {
		case s.n > small && full, held > 0 && held+s.n > p.limit/3:
			return false
		case p.used > 0 && p.used+s.n > limit:
			full = true
			return false
		}
		p.used += s.n
		p.held[s.a.peer] += s.n
		p.seats[s] = true
		close(s.ready)
		return true
	})
}

// evict ends the connections whose messages are on their way for too long.
func (p *pool) evict(now time.Time) {
	p.mu.Lock()
	var slow []*Seat
	for s := range p.seats {
		if !s.began.IsZero() && now.Sub(s.began) > passTime || !s.moved.IsZero() && now.Sub(s.moved) > pauseTime {
			slow = append(slow, s)
		}
	}
	p.mu.Unlock()
	for _, s := range slow {
		s.a.cut(ErrCrowded)
		s.a.Drop(s)
	}
}
