package held

import (
	"sync"

	"quicnprotochat/mls"
)

// What is held at most. An epoch takes about 3 KB for each member of a post-quantum
// group.
const (
	maxHeld        = 256
	maxHeldMembers = 32_000
)

// Epochs are epochs in memory, which are values. What is erased from the store is let go
// of here, with its secrets. The zero value holds none; its methods may be called from
// many goroutines.
type Epochs struct {
	// mu guards the fields below.
	mu      sync.Mutex
	epochs  map[[16]byte]*mls.Epoch
	members int // of all of them
}

// Get returns an epoch, nil if it is not here.
func (h *Epochs) Get(id [16]byte) *mls.Epoch {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.epochs[id]
}

// Put adds an epoch. When there are too many, or they are too large, it is alone.
func (h *Epochs) Put(id [16]byte, ep *mls.Epoch) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.epochs[id] != nil {
		return
	}
	if len(h.epochs) >= maxHeld || h.members+ep.Size() > maxHeldMembers {
		clear(h.epochs)
		h.members = 0
	}
	if h.epochs == nil {
		h.epochs = make(map[[16]byte]*mls.Epoch)
	}
	h.epochs[id] = ep
	h.members += ep.Size()
}

// Forget lets go of an epoch.
func (h *Epochs) Forget(id [16]byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if ep := h.epochs[id]; ep != nil {
		h.members -= ep.Size()
		delete(h.epochs, id)
	}
}

// ForgetAll lets go of all.
func (h *Epochs) ForgetAll() {
	h.mu.Lock()
	defer h.mu.Unlock()
	clear(h.epochs)
	h.members = 0
}
