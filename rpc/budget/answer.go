package budget

import (
	"context"
	"sync"
	"time"
)

type answerKey struct{}

// Answer is what the answer of one call has of a Budget.
type Answer struct {
	a *Share

	mu   sync.Mutex // guards the fields below
	seat *Seat
	over bool
}

// Answer returns the room of the answer to one call of the connection: none yet.
func (a *Share) Answer() *Answer { return &Answer{a: a} }

// Context returns a context in which Room asks for this answer.
func (r *Answer) Context(ctx context.Context) context.Context {
	return context.WithValue(ctx, answerKey{}, r)
}

// Room waits until there is memory for an answer of n bytes, in place of what
// the call asked for before. A handler calls it before it loads an answer that
// is large, and again when it knows better: less is granted at once. The memory
// counts until the answer is written. The error is that of ctx, or
// ErrCrowded. Where no Answer's Context is around there is always room.
func Room(ctx context.Context, n int) error {
	r, ok := ctx.Value(answerKey{}).(*Answer)
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
		return ErrCrowded
	}
	r.set(s)
	return nil
}

// shrink gives back what is above n; false means that there is less than n.
func (r *Answer) shrink(n int64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.seat == nil || r.seat.n < n {
		return false
	}
	r.seat.p.shrink(r.seat, n)
	return true
}

// set replaces the seat.
func (r *Answer) set(s *Seat) {
	r.mu.Lock()
	if r.over {
		r.mu.Unlock()
		r.a.Drop(s)
		return
	}
	old := r.seat
	r.seat = s
	r.mu.Unlock()
	r.a.Drop(old)
}

// Leaves notes that the answer is about to be written.
func (r *Answer) Leaves() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seat.Moves(time.Now(), time.Time{})
}

// Close ends the call.
func (r *Answer) Close() {
	r.set(nil)
	r.mu.Lock()
	r.over = true
	r.mu.Unlock()
}
