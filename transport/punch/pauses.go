package punch

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// pauses says who is left alone for a while, because punching failed.
type pauses struct {
	mu sync.Mutex
	m  map[peer.ID]pause
}

// pause is how long somebody is left alone, and until when.
type pause struct {
	until time.Time
	time  time.Duration
}

const (
	// strangePause is how long a peer that closed our circuit is left alone: it may be
	// about to learn who we are.
	strangePause = 2 * time.Second
	// absentPause is how long a peer that no relay has a circuit to is left alone;
	// shutPause and shutPauseMost the same for one whose NAT let nothing through, at
	// first and in the end.
	absentPause              = 15 * time.Second
	shutPause, shutPauseMost = time.Minute, 32 * time.Minute
	// maxPauses bounds the peers remembered.
	maxPauses = 1024
)

// note keeps what became of a try.
func (s *pauses) note(p peer.ID, err error, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.m == nil {
		s.m = make(map[peer.ID]pause)
	}
	old := s.m[p]
	switch {
	case err == nil:
		delete(s.m, p)
	case errors.Is(err, context.Canceled) && !errors.Is(err, ErrFailed) && !errors.Is(err, ErrNoCircuit):
		// The host closes.
	case len(s.m) >= maxPauses && old.time == 0:
		clear(s.m)
	case errors.Is(err, ErrClosed):
		s.m[p] = pause{now.Add(strangePause), strangePause}
	case errors.Is(err, ErrNoCircuit):
		s.m[p] = pause{now.Add(absentPause), absentPause}
	default:
		next := min(max(2*old.time, shutPause), shutPauseMost)
		s.m[p] = pause{now.Add(next), next}
	}
}

// due reports whether k may be tried now.
func (s *pauses) due(p peer.ID, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !now.Before(s.m[p].until)
}

// forget lets all be tried, or one.
func (s *pauses) forget(peers ...peer.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(peers) == 0 {
		clear(s.m)
	}
	for _, p := range peers {
		delete(s.m, p)
	}
}
