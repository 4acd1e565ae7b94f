package tally

import (
	"sync"
	"time"
)

// Pause is the least time between two words.
const Pause = time.Minute

// Tally counts one thing. Its methods may be called from any goroutine.
type Tally struct {
	say func(count int)

	// mu guards the fields below. It is not held while say runs.
	mu     sync.Mutex
	count  int         // since the last word
	pause  *time.Timer // runs for Pause after a word; nil if there was none lately
	closed bool
	wg     sync.WaitGroup // pauses
}

// New returns a Tally at zero. say is told how often it happened since it was told last,
// never 0. Close must follow the last Add.
func New(say func(count int)) *Tally { return &Tally{say: say} }

// Add counts one more.
func (t *Tally) Add() {
	t.mu.Lock()
	n := 0
	if t.count++; t.pause == nil || t.closed {
		n = t.take()
	}
	t.mu.Unlock()
	t.tell(n)
}

// take returns what is to be said now, and begins a pause if that is anything. The caller
// holds mu.
func (t *Tally) take() (n int) {
	n, t.count, t.pause = t.count, 0, nil
	if n > 0 && !t.closed {
		t.wg.Add(1)
		t.pause = time.AfterFunc(Pause, t.pauseOver)
	}
	return n
}

func (t *Tally) pauseOver() {
	defer t.wg.Done()
	t.mu.Lock()
	n := t.take()
	t.mu.Unlock()
	t.tell(n)
}

func (t *Tally) tell(n int) {
	if n > 0 {
		t.say(n)
	}
}

// Close says what is left at once, and returns when nothing is being said at the end of a
// pause any more; what is added later is said one by one. It may be called again, but not
// by say.
func (t *Tally) Close() {
	t.mu.Lock()
	if t.closed = true; t.pause != nil && t.pause.Stop() {
		t.wg.Done()
	}
	n := t.take()
	t.mu.Unlock()
	t.tell(n)
	t.wg.Wait()
}
