package store

// share is what one depositor has in an inbox, or many together.
type share struct {
	count uint64
	bytes uint64
}

func (h share) plus(o share) share { return share{h.count + o.count, h.bytes + o.bytes} }

func (h share) minus(o share) share {
	return share{h.count - min(h.count, o.count), h.bytes - min(h.bytes, o.bytes)}
}

// over reports whether one payload more is too much; the first one never is.
func (h share) over(most int, mostBytes int64, cost uint64) bool {
	return h.count > 0 && (h.count+1 > uint64(most) || h.bytes+cost > uint64(mostBytes))
}

// crowd has the shares in one inbox: of each depositor, and of all at a place.
type crowd struct {
	who   map[tag]share
	place map[place]share
}

func newCrowd() crowd { return crowd{make(map[tag]share), make(map[place]share)} }

func (c crowd) add(from tag, h share) {
	c.who[from] = c.who[from].plus(h)
	c.place[from.place()] = c.place[from.place()].plus(h)
}

func (c crowd) remove(from tag, h share) {
	lower(c.who, from, h)
	lower(c.place, from.place(), h)
}

func lower[K comparable](shares map[K]share, k K, h share) {
	if shares[k] = shares[k].minus(h); shares[k].count == 0 {
		delete(shares, k)
	}
}

// crowds has the shares in those inboxes where it took them to decide: such an inbox
// holds more than one share. They are in memory alone, as the salt of their tags is,
// and are counted again when they are not there. The writer alone uses them.
type crowds struct {
	of map[Inbox]crowd
	// changed is set while they are ahead of what is on the disk.
	changed bool
}

// begin forgets what a transaction did that came to nothing.
func (c *crowds) begin() {
	if c.changed || c.of == nil {
		*c = crowds{of: make(map[Inbox]crowd)}
	}
}

// find returns the shares in an inbox that from deposits to.
func (c *crowds) find(q *queue, from tag) crowd {
	each, ok := c.of[q.id]
	if !ok {
		each = newCrowd()
		if q.b != nil {
			_, each = q.recount()
		}
		if q.admitted.count > 0 {
			each.add(from, q.admitted)
		}
		c.of[q.id], c.changed = each, true
	}
	return each
}

func (c *crowds) add(id Inbox, from tag, h share) {
	if each, ok := c.of[id]; ok {
		each.add(from, h)
		c.changed = true
	}
}

func (c *crowds) remove(id Inbox, from tag, h share) {
	if each, ok := c.of[id]; ok {
		each.remove(from, h)
		c.changed = true
	}
}
