package share

// Crowds has a Crowd for each inbox where it took one to decide. The zero value has
// none. One goroutine uses it: that of the transactions.
type Crowds[Inbox comparable] struct {
	of map[Inbox]Crowd
	// changed is set while they are ahead of what is on the disk.
	changed bool
}

// Begin is called before a transaction.
func (c *Crowds[Inbox]) Begin() {
	if c.changed || c.of == nil {
		*c = Crowds[Inbox]{of: make(map[Inbox]Crowd)}
	}
}

// Kept is called when a transaction is on the disk or has changed nothing.
func (c *Crowds[Inbox]) Kept() { c.changed = false }

// Find returns the Crowd of an inbox, and calls count if it has none.
func (c *Crowds[Inbox]) Find(id Inbox, count func() Crowd) Crowd {
	if _, ok := c.of[id]; !ok {
		c.of[id], c.changed = count(), true
	}
	return c.of[id]
}

// All returns what was counted and is not forgotten: for tests.
func (c *Crowds[Inbox]) All() map[Inbox]Crowd { return c.of }

// Add counts a into an inbox that was counted.
func (c *Crowds[Inbox]) Add(id Inbox, from Tag, a Amount) {
	if crowd, ok := c.of[id]; ok {
		crowd.Add(from, a)
		c.changed = true
	}
}

// Remove counts a out of an inbox that was counted.
func (c *Crowds[Inbox]) Remove(id Inbox, from Tag, a Amount) {
	if crowd, ok := c.of[id]; ok {
		crowd.Remove(from, a)
		c.changed = true
	}
}

// Forget forgets an inbox.
func (c *Crowds[Inbox]) Forget(id Inbox) { delete(c.of, id) }
