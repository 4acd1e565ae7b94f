package asked

import (
	"context"
	"errors"
	"sync"

	"quicnprotochat/transport"
)

// ErrAfresh is why nothing is sent that was made before the node began afresh.
var ErrAfresh = errors.New("this home is an older copy: what waits is encrypted anew")

// Machines are those that are asked. They may be used by many goroutines.
type Machines struct {
	// mu guards the fields below.
	mu     sync.Mutex
	of     map[transport.Key]chan struct{} // closed when a machine has answered
	afresh int                             // how often an answer has let us begin afresh
}

// New returns none.
func New() *Machines { return &Machines{of: make(map[transport.Key]chan struct{})} }

// Begin notes that a machine will be asked.
func (m *Machines) Begin(k transport.Key) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.of[k] == nil {
		m.of[k] = make(chan struct{})
	}
}

// End notes that a machine has answered, and whether that has let us begin afresh.
func (m *Machines) End(k transport.Key, afresh bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if afresh {
		m.afresh++
	}
	done := m.of[k]
	if done == nil {
		return // it became a contact's meanwhile, and nobody waits
	}
	select {
	case <-done:
	default:
		close(done)
	}
}

// look returns what is closed when a machine has answered, nil if it is not asked, and
// how often we have begun afresh.
func (m *Machines) look(k transport.Key) (done <-chan struct{}, afresh int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.of[k], m.afresh
}

// Wait returns when a machine has answered that will be asked, and ErrAfresh if we have
// begun afresh meanwhile.
func (m *Machines) Wait(ctx context.Context, k transport.Key) error {
	done, before := m.look(k)
	if done == nil {
		return nil
	}
	select {
	case <-done:
	case <-ctx.Done():
		return ctx.Err()
	}
	if _, now := m.look(k); now != before {
		return ErrAfresh
	}
	return nil
}
