package punch

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// tries remembers where punching failed.
type tries struct {
	mu sync.Mutex
	m  map[peer.ID]try
}

type try struct {
	until time.Time
	pause time.Duration
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
	// maxTries bounds the peers remembered.
	maxTries = 1024
)

// note keeps what became of a try.
func (t *tries) note(p peer.ID, err error, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.m == nil {
		t.m = make(map[peer.ID]try)
	}
	old := t.m[p]
	switch {
	case err == nil:
		delete(t.m, p)
	case errors.Is(err, context.Canceled) && !errors.Is(err, ErrFailed) && !errors.Is(err, ErrNoCircuit):
		// The host closes.
	case len(t.m) >= maxTries && old.pause == 0:
		clear(t.m)
	case errors.Is(err, ErrClosed):
		t.m[p] = try{now.Add(strangePause), strangePause}
	case errors.Is(err, ErrNoCircuit):
		t.m[p] = try{now.Add(absentPause), absentPause}
	default:
		pause := min(max(2*old.pause, shutPause), shutPauseMost)
		t.m[p] = try{now.Add(pause), pause}
	}
}

// due reports whether k may be tried now.
func (t *tries) due(p peer.ID, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return !now.Before(t.m[p].until)
}

// forget lets all be tried, or one.
func (t *tries) forget(peers ...peer.ID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(peers) == 0 {
		clear(t.m)
	}
	for _, p := range peers {
		delete(t.m, p)
	}
}
