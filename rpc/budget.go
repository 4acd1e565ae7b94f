package rpc

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// DefaultBudget is the size of a Budget, in bytes.
const DefaultBudget = 48 << 20

const (
	// tiny messages take nothing of a Budget and never wait: calls in flight
	// are counted, and these calls keep a node usable under a flood.
	tiny = 4 << 10
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

// errCrowded ends a connection whose message got no memory in time, or was
// too slow to leave it to others.
var errCrowded = errors.New("too many large messages at once")

// Budget bounds the memory of the messages of many connections together. Each
// message is counted from before it is read until its call is answered (an
// answer: until it is processed), and what Room asks for until the answer is
// written. When there is no room they wait; a connection whose message waits is
// not read meanwhile. So a flood waits, and what is small goes on: messages up
// to 4 KiB never wait, those up to 64 KiB have a reserve, and no peer gets more
// than a third while it has anything. A message that keeps its place for too
// long while others wait ends its connection, and so does one that comes when
// too many wait. What handlers keep after they
// returned is not counted.
type Budget struct {
	in, out pool
}

// NewBudget returns a Budget; 0 bytes means DefaultBudget. Half is for messages
// that come in, half for answers.
func NewBudget(bytes int64) *Budget {
	if bytes == 0 {
		bytes = DefaultBudget
	}
	b := new(Budget)
	for _, p := range []*pool{&b.in, &b.out} {
		p.limit, p.held, p.seats = bytes/2, make(map[Identity]int64), make(map[*seat]bool)
	}
	return b
}

// pool is the room for messages of one direction.
type pool struct {
	limit int64

	mu    sync.Mutex // guards the fields below, and those of all seats
	used  int64
	held  map[Identity]int64
	seats map[*seat]bool // those that have room
	queue []*seat        // those that wait for room, the longest first
}

// seat is the room of one message. Its fields are guarded by the pool.
type seat struct {
	a     *account
	p     *pool
	n     int64
	ready chan struct{} // closed when it has room
	began time.Time     // when the message began to move; zero while it does not
	moved time.Time     // when the last part of it came in; zero if that is not known
}

// account is what one connection has of a Budget.
type account struct {
	budget *Budget
	peer   Identity
	quit   <-chan struct{} // closed with the connection
	cut    func(error)     // ends the connection

	mu     sync.Mutex // guards the fields below
	seats  map[*seat]bool
	closed bool
}

func newAccount(b *Budget, peer Identity, quit <-chan struct{}, cut func(error)) *account {
	return &account{budget: b, peer: peer, quit: quit, cut: cut, seats: make(map[*seat]bool)}
}

// takeIn waits for room for a message of n bytes that comes in.
func (a *account) takeIn(n int64) (*seat, error) {
	if a.budget == nil {
		return nil, nil
	}
	return a.take(context.Background(), &a.budget.in, n)
}

// takeOut waits for room for n bytes of an answer.
func (a *account) takeOut(ctx context.Context, n int64) (*seat, error) {
	if a.budget == nil {
		return nil, nil
	}
	return a.take(ctx, &a.budget.out, n)
}

// take waits for room for n bytes. A nil seat needs none.
func (a *account) take(ctx context.Context, p *pool, n int64) (*seat, error) {
	if n <= tiny {
		return nil, nil
	}
	s := &seat{a: a, p: p, n: n, ready: make(chan struct{})}
	if !p.enter(s) {
		return nil, errCrowded
	}
	if err := a.wait(ctx, s); err != nil {
		p.leave(s)
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		p.leave(s)
		return nil, ErrClosed
	}
	a.seats[s] = true
	return s, nil
}

// wait waits until s has room. After a while it looks for others that have
// kept theirs for too long.
func (a *account) wait(ctx context.Context, s *seat) error {
	select {
	case <-s.ready:
		return nil
	default:
	}
	over := time.NewTimer(roomPatience)
	defer over.Stop()
	look := time.NewTicker(time.Second)
	defer look.Stop()
	for {
		select {
		case <-s.ready:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		case <-a.quit:
			return ErrClosed
		case <-over.C:
			return errCrowded
		case <-look.C:
			s.p.evict(time.Now())
		}
	}
}

// drop gives the room of s back. It may be called again, and with nil.
func (a *account) drop(s *seat) {
	if s == nil {
		return
	}
	a.mu.Lock()
	held := a.seats[s]
	delete(a.seats, s)
	a.mu.Unlock()
	if held {
		s.p.leave(s)
	}
}

// close gives all room back.
func (a *account) close() {
	a.mu.Lock()
	seats := a.seats
	a.seats, a.closed = nil, true
	a.mu.Unlock()
	for s := range seats {
		s.p.leave(s)
	}
}

// moves notes when the message of s began to move, and when it last did.
func (s *seat) moves(began, moved time.Time) {
	if s != nil {
		s.p.mu.Lock()
		defer s.p.mu.Unlock()
		s.began, s.moved = began, moved
	}
}

// enter gives a seat room or lets it wait, unless too many do.
func (p *pool) enter(s *seat) bool {
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
func (p *pool) shrink(s *seat, n int64) {
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
func (p *pool) leave(s *seat) {
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
	p.queue = slices.DeleteFunc(p.queue, func(s *seat) bool {
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
	var slow []*seat
	for s := range p.seats {
		if !s.began.IsZero() && now.Sub(s.began) > passTime || !s.moved.IsZero() && now.Sub(s.moved) > pauseTime {
			slow = append(slow, s)
		}
	}
	p.mu.Unlock()
	for _, s := range slow {
		s.a.cut(errCrowded)
		s.a.drop(s)
	}
}

type roomKey struct{}

// room is what the answer of one call has of a Budget.
type room struct {
	a *account

	mu   sync.Mutex // guards the fields below
	seat *seat
	over bool
}

// Room waits until there is memory for an answer of n bytes, in place of what
// the call asked for before. A handler calls it before it loads an answer that
// is large, and again when it knows better: less is granted at once. The memory
// counts until the answer is written. The error is that of ctx, or ErrBusy. Without a server around the
// handler there is always room.
func Room(ctx context.Context, n int) error {
	r, ok := ctx.Value(roomKey{}).(*room)
	if !ok {
		return nil
	}
	need := 2 * int64(n) // what the handler loads, and the message that it is copied into
	if r.shrink(need) {
		return nil
	}
	r.set(nil)
	s, err := r.a.takeOut(ctx, need)
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return ErrBusy
	}
	r.set(s)
	return nil
}

// shrink gives back what is above n; false means that there is less than n.
func (r *room) shrink(n int64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.seat == nil || r.seat.n < n {
		return false
	}
	r.seat.p.shrink(r.seat, n)
	return true
}

// set replaces the seat.
func (r *room) set(s *seat) {
	r.mu.Lock()
	if r.over {
		r.mu.Unlock()
		r.a.drop(s)
		return
	}
	old := r.seat
	r.seat = s
	r.mu.Unlock()
	r.a.drop(old)
}

// leaves notes that the answer is about to be written.
func (r *room) leaves() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seat.moves(time.Now(), time.Time{})
}

// close ends the call.
func (r *room) close() {
	r.set(nil)
	r.mu.Lock()
	r.over = true
	r.mu.Unlock()
}
