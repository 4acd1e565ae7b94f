package integration

import (
	"sync"

	"quicnprotochat/rpc"
	"quicnprotochat/transport"
)

// callers are the identities that called a relay.
type callers struct {
	mu sync.Mutex
	m  map[transport.Key]bool
	n  map[string]int // calls by method
}

// count returns the calls by method, and begins anew.
func (c *callers) count() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.n
	c.n = nil
	return n
}

func (c *callers) call(call rpc.Call) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.m == nil {
		c.m = make(map[transport.Key]bool)
	}
	if c.n == nil {
		c.n = make(map[string]int)
	}
	c.n[call.Method]++
	c.m[transport.Key(call.Caller.Identity)] = true
}

// has reports whether a node has called in its own name.
func (c *callers) has(n *simNode) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for k := range c.m {
		if k.String() == n.id {
			return true
		}
	}
	return false
}
