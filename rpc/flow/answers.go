package flow

import "sync"

// Answers counts the calls of the other side that are being answered.
type Answers struct {
	maxCalls, maxReads int
	maxBytes           int64

	mu    sync.Mutex // guards the fields below
	calls int
	reads int
	bytes int64
}

// NewAnswers returns a count of at most so many calls, so many of which may have large
// answers, and so many bytes of arguments. A single call may have more of them.
func NewAnswers(calls, reads int, bytes int64) *Answers {
	return &Answers{maxCalls: calls, maxReads: max(1, reads), maxBytes: bytes}
}

// Begin counts a call in, if there is room: read takes its arguments out again, written
// the call. Each must be called once.
func (a *Answers) Begin(size int64, large bool) (read, written func(), ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.calls >= a.maxCalls || large && a.reads >= a.maxReads || a.calls > 0 && a.bytes+size > a.maxBytes {
		return nil, nil, false
	}
	a.calls++
	a.bytes += size
	if large {
		a.reads++
	}
	read = func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.bytes -= size
	}
	written = func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.calls--
		if large {
			a.reads--
		}
	}
	return read, written, true
}
