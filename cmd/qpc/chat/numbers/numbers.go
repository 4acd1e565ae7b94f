package numbers

// kept is how many of the last messages of a chat can be named by the number
// beside them.
const kept = 10_000

// Numbers are the numbers that stand beside the messages of a chat. The zero value has
// none.
type Numbers struct {
	last int
	of   map[string]int
	at   map[int]line
}

// line is a message with a number: its id, and the conversation that it is of.
type line struct{ id, with string }

// Give returns the number of a message of the conversation with, a new one if it has none.
func (n *Numbers) Give(id, with string) int {
	if n.of == nil {
		n.of, n.at = map[string]int{}, map[int]line{}
	}
	if known, ok := n.of[id]; ok {
		return known
	}
	n.last++
	n.of[id], n.at[n.last] = n.last, line{id, with}
	if old, ok := n.at[n.last-kept]; ok {
		delete(n.of, old.id)
		delete(n.at, n.last-kept)
	}
	return n.last
}

// Has reports whether a message has a number.
func (n *Numbers) Has(id string) bool { return n.of[id] != 0 }

// At returns the message of a number, and the conversation that it is of.
func (n *Numbers) At(number int) (id, with string, ok bool) {
	found, ok := n.at[number]
	return found.id, found.with, ok
}
