package share

// Tag stands for a depositor within one inbox, its beginning for the place. Zero is
// nobody.
type Tag [2 * len(Place{})]byte

// Place is the part of a tag that tells where a depositor calls from. Zero is none.
type Place [4]byte

// Place returns the place of a depositor.
func (t Tag) Place() Place { return Place(t[:]) }

// Amount is what one depositor has in an inbox, or many together.
type Amount struct {
	Count uint64 // of payloads
	Bytes uint64 // of these, with what each costs beside
}

// Plus returns both together.
func (a Amount) Plus(o Amount) Amount { return Amount{a.Count + o.Count, a.Bytes + o.Bytes} }

// minus returns what is left without o; it is never below zero.
func (a Amount) minus(o Amount) Amount {
	return Amount{a.Count - min(a.Count, o.Count), a.Bytes - min(a.Bytes, o.Bytes)}
}

// Over reports whether one payload more, which costs so many bytes, is too much; the
// first one never is.
func (a Amount) Over(most int, mostBytes int64, cost uint64) bool {
	return a.Count > 0 && (a.Count+1 > uint64(most) || a.Bytes+cost > uint64(mostBytes))
}

// Crowd has the amounts in one inbox.
type Crowd struct {
	Who   map[Tag]Amount   // of each depositor
	Place map[Place]Amount // of all at a place
}

// NewCrowd returns one without amounts.
func NewCrowd() Crowd { return Crowd{make(map[Tag]Amount), make(map[Place]Amount)} }

// Add counts a in.
func (c Crowd) Add(from Tag, a Amount) {
	c.Who[from] = c.Who[from].Plus(a)
	c.Place[from.Place()] = c.Place[from.Place()].Plus(a)
}

// Remove counts a out.
func (c Crowd) Remove(from Tag, a Amount) {
	lower(c.Who, from, a)
	lower(c.Place, from.Place(), a)
}

func lower[K comparable](amounts map[K]Amount, k K, a Amount) {
	if amounts[k] = amounts[k].minus(a); amounts[k].Count == 0 {
		delete(amounts, k)
	}
}
