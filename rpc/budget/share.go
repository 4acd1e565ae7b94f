package budget

import (
	"context"
	"sync"
	"time"
)

// Share is what one connection has of a Budget.
type Share struct {
	budget *Budget
	peer   Peer
	quit   <-chan struct{} // closed with the connection
	cut    func(error)     // ends the connection

	mu     sync.Mutex // guards the fields below
	seats  map[*Seat]bool
	closed bool
}

// NewShare opens the share of a connection with peer. quit is closed when
// the connection ends; cut ends it, with the reason. Without a Budget there is
// always room.
func NewShare(b *Budget, peer Peer, quit <-chan struct{}, cut func(error)) *Share {
	return &Share{budget: b, peer: peer, quit: quit, cut: cut, seats: make(map[*Seat]bool)}
}

// TakeIn waits for room for a message of n bytes that comes in.
func (a *Share) TakeIn(n int64) (*Seat, error) {
	if a.budget == nil {
		return nil, nil
	}
	return a.take(context.Background(), &a.budget.in, n)
}

// takeOut waits for room for n bytes of an answer.
func (a *Share) takeOut(ctx context.Context, n int64) (*Seat, error) {
	if a.budget == nil {
		return nil, nil
	}
	return a.take(ctx, &a.budget.out, n)
}

// take waits for room for n bytes. A nil seat needs none.
func (a *Share) take(ctx context.Context, p *pool, n int64) (*Seat, error) {
	if n <= Tiny {
		return nil, nil
	}
	s := &Seat{a: a, p: p, n: n, ready: make(chan struct{})}
	if !p.enter(s) {
		return nil, ErrCrowded
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
func (a *Share) wait(ctx context.Context, s *Seat) error {
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
			return ErrCrowded
		case <-look.C:
			s.p.evict(time.Now())
		}
	}
}

// Drop gives the room of s back. It may be called again, and with nil.
func (a *Share) Drop(s *Seat) {
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

// Close gives all room back.
func (a *Share) Close() {
	a.mu.Lock()
	seats := a.seats
	a.seats, a.closed = nil, true
	a.mu.Unlock()
	for s := range seats {
		s.p.leave(s)
	}
}
