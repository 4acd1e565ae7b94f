package strangers

import (
	"sync"
	"time"

	"golang.org/x/time/rate"

	"quicnprotochat/rpc"
)

// What is taken on the direct path from people who are not contacts: enough to
// introduce oneself, too little to keep the disk busy.
const (
	// strangerPayload is the largest payload, in bytes.
	strangerPayload = 64 << 10
	// strangerPause is the time between two payloads of one of them in the long
	// run, of which strangerBurst may come at once.
	strangerPause = 5 * time.Second
	strangerBurst = 8
	// strangersPause and strangersBurst are the same for all of them together.
	strangersPause = 50 * time.Millisecond
	strangersBurst = 100
	// strangersKnown bounds how many of them are counted apart.
	strangersKnown = 1024
)

// Limits limits what people who are not contacts may deposit.
type Limits struct {
	mu  sync.Mutex
	all *rate.Limiter
	one map[rpc.Identity]*rate.Limiter
}

// New returns limits of which nothing is used yet.
func New() *Limits {
	return &Limits{
		all: rate.NewLimiter(rate.Every(strangersPause), strangersBurst),
		one: make(map[rpc.Identity]*rate.Limiter),
	}
}

// Admit returns ErrTooLarge or ErrBusy for a payload that is not taken from id.
func (s *Limits) Admit(id rpc.Identity, size int) error {
	if size > strangerPayload {
		return rpc.ErrTooLarge
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.one[id]
	if l == nil {
		if len(s.one) >= strangersKnown {
			clear(s.one)
		}
		l = rate.NewLimiter(rate.Every(strangerPause), strangerBurst)
		s.one[id] = l
	}
	// The own limit first: who is over it takes nothing from the others.
	if !l.Allow() || !s.all.Allow() {
		return rpc.ErrBusy
	}
	return nil
}
