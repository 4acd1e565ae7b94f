package integration

import (
	"errors"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"time"
)

// errCut is what the commit at a cut point, and each one after it, returns.
var errCut = errors.New("halted by the test")

// slowDisk is how long a commit takes that is cut, so that what is said too early
// gets out.
const slowDisk = 200 * time.Millisecond

// cut halts a node or a relay at one of its commits: from there on it commits
// nothing until it is started again. The zero cut lets all commits pass.
type cut struct {
	// mu guards the fields below.
	mu   sync.Mutex
	at   func(n int, step string) bool
	seen int // steps since it was armed
	hit  bool
	hits int // how often it halted
	// struck, if it is not nil, is called when it halts.
	struck func()
	// full, if it is not nil, is what each commit returns: the disk is full.
	full error
}

// fault is the hook of a store. One commit at a time calls it.
func (c *cut) fault(step string) error {
	c.mu.Lock()
	at, n, hit, full := c.at, c.seen, c.hit, c.full
	c.seen++
	c.mu.Unlock()
	if hit {
		return errCut
	}
	if full != nil && step == before {
		return full
	}
	if at == nil || !at(n, step) {
		return nil
	}
	time.Sleep(slowDisk)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hit = true
	c.hits++
	if c.struck != nil {
		c.struck()
	}
	return errCut
}

// halt lets nothing be committed from now on.
func (c *cut) halt() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hit = true
}

// arm sets where to halt: at is asked at both steps of each commit, and gets how
// many were before. Nil is nowhere.
func (c *cut) arm(at func(n int, step string) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at, c.seen, c.hit = at, 0, false
}

// fill lets each commit fail for want of room; nil is that there is room again.
func (c *cut) fill(full error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.full = full
}

// in arms at a step of the first commit that a function of the node asks for.
func (c *cut) in(function, step string) {
	c.arm(func(_ int, s string) bool { return s == step && called(function) })
}

// is reports whether the program is halted.
func (c *cut) is() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.hit
}

// count returns the steps since it was armed, and how often it halted at all.
func (c *cut) count() (seen, hits int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.seen, c.hits
}

// committer is the function of a node that asks for the commit that is under way.
func committer() string {
	var pcs [64]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	for more := true; more; {
		var f runtime.Frame
		f, more = frames.Next()
		name, ours := strings.CutPrefix(f.Function, "quicnprotochat/")
		if ours && !passesOn.MatchString(name) {
			return name
		}
	}
	return ""
}

// passesOn are functions that commit for others.
var passesOn = regexp.MustCompile(`^(integration|node/store|node/convo/news)\b`)

// called reports whether a function of the node is on the stack.
func called(function string) bool {
	var pcs [64]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	for more := true; more; {
		var f runtime.Frame
		if f, more = frames.Next(); strings.HasSuffix(f.Function, "/"+function) {
			return true
		}
	}
	return false
}
