package refusals

import (
	"crypto/sha256"
	"errors"
	"sync"
	"time"

	"quicnprotochat/rpc"
	"quicnprotochat/transport"
)

const (
	// refusedTime is how long a relay that refused a pass is not shown it again.
	refusedTime = time.Hour
	// maxRefusals bounds how many refusals are remembered.
	maxRefusals = 4096
)

// refusal is a pass that a relay refused. No pass stands for all: the relay takes
// none at all.
type refusal struct {
	relay transport.Key
	pass  [sha256.Size]byte
}

// Refusals are what is known of relays that are called without saying who we are.
type Refusals struct {
	mu      sync.Mutex
	refused map[refusal]time.Time
	away    map[transport.Key]bool // did not answer last time
}

// New returns that nothing was refused.
func New() *Refusals {
	return &Refusals{refused: make(map[refusal]time.Time), away: make(map[transport.Key]bool)}
}

// Takes reports whether a relay may take a pass.
func (s *Refusals) Takes(relay transport.Key, pass []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range []refusal{{relay: relay}, {relay, sha256.Sum256(pass)}} {
		if at, ok := s.refused[r]; ok && time.Since(at) < refusedTime {
			return false
		}
	}
	return true
}

// Refuse notes that a relay refused a pass.
func (s *Refusals) Refuse(relay transport.Key, pass []byte, err error) {
	r := refusal{relay: relay}
	if !errors.Is(err, rpc.ErrUnauthenticated) && !errors.Is(err, rpc.ErrNotOffered) {
		r.pass = sha256.Sum256(pass)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.refused) >= maxRefusals {
		clear(s.refused)
	}
	s.refused[r] = time.Now()
}

// Answered notes whether a relay answers, and reports whether it is back.
func (s *Refusals) Answered(relay transport.Key, ok bool) (back bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	back = ok && s.away[relay]
	switch {
	case ok:
		delete(s.away, relay)
	case len(s.away) < maxRefusals:
		s.away[relay] = true
	}
	return back
}
