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

// Find returns the Crowd of an inbox; false if it has none.
func (c *Crowds[Inbox]) Find(id Inbox) (Crowd, bool) {
	crowd, ok := c.of[id]
	return crowd, ok
}

// Counted gives an inbox the Crowd that was counted in it.
func (c *Crowds[Inbox]) Counted(id Inbox, crowd Crowd) { c.of[id], c.changed = crowd, true }

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
