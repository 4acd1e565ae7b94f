package relay

import (
	"sync"
	"time"

	"quicnprotochat/rpc"
)

// How many single-use key packages of one target are handed out to one caller, per
// window. The store bounds those that all callers get together.
const (
	handoutWindow    = time.Hour
	handoutsByCaller = 3
	// maxHandoutTargets bounds the memory of it; at the bound, and until windows
	// end, nothing more is handed out but last-resort packages.
	maxHandoutTargets = 1 << 16
)

// handouts counts what callers got from targets: key packages that were handed out,
// and deposits with a hello pass. A restart forgets.
type handouts struct {
	now func() time.Time
	// most is how many one caller may have of one target in a window.
	most int

	// mu guards targets.
	mu      sync.Mutex
	targets map[rpc.Identity]*handoutCount
}

type handoutCount struct {
	end     time.Time
	callers map[rpc.Identity]int
}

func newHandouts(now func() time.Time, most int) *handouts {
	return &handouts{now: now, most: most, targets: make(map[rpc.Identity]*handoutCount)}
}

// reserve counts a package of target for caller and reports whether it may have
// one.
func (h *handouts) reserve(caller, target rpc.Identity) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.now()
	t := h.targets[target]
	if t == nil || t.over(now) {
		if t == nil && len(h.targets) >= maxHandoutTargets && !h.drop(now) {
			return false
		}
		t = &handoutCount{end: now.Add(handoutWindow), callers: make(map[rpc.Identity]int)}
		h.targets[target] = t
	}
	if t.callers[caller] >= h.most {
		return false
	}
	t.callers[caller]++
	return true
}

// over reports whether the window has ended, or lies in a future that a clock set
// back made.
func (t *handoutCount) over(now time.Time) bool {
	return !now.Before(t.end) || now.Before(t.end.Add(-handoutWindow))
}

// release takes back a reservation that was not needed.
func (h *handouts) release(caller, target rpc.Identity) {
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.targets[target]
	if t == nil || t.callers[caller] == 0 {
		return
	}
	if t.callers[caller]--; t.callers[caller] == 0 {
		delete(t.callers, caller)
	}
	if len(t.callers) == 0 {
		delete(h.targets, target)
	}
}

// forget drops the windows that have ended: who asked for whom is nobody's business
// then.
func (h *handouts) forget() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.drop(h.now())
}

// drop drops the windows that have ended and reports whether there were any.
func (h *handouts) drop(now time.Time) bool {
	n := len(h.targets)
	for target, t := range h.targets {
		if t.over(now) {
			delete(h.targets, target)
		}
	}
	return len(h.targets) < n
}
