package terminal

import (
	"io"
	"sync"
)

// Switch is a writer that can be turned to another while others write to it.
type Switch struct {
	mu sync.Mutex // guards w
	w  io.Writer
}

// NewSwitch returns one that writes to w at first.
func NewSwitch(w io.Writer) *Switch { return &Switch{w: w} }

// Write implements io.Writer.
func (s *Switch) Write(b []byte) (int, error) {
	return s.Now().Write(b)
}

// Turn makes w get what is written from now on.
func (s *Switch) Turn(w io.Writer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.w = w
}

// Now is what is written to now.
func (s *Switch) Now() io.Writer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.w
}
