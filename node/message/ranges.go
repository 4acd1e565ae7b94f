package message

import (
	"fmt"
	"slices"
	"sort"

	"golang.org/x/crypto/cryptobyte"
)

// MaxRanges is how many ranges one receipt or repair holds at most. More go
// into several: see [slices.Chunk].
const MaxRanges = 256

// Range is the counters from Lo to Hi, both included.
type Range struct {
	Lo, Hi uint64
}

// Ranges is a set of counters: sorted, disjoint and not adjacent. A parsed one
// may hold 2^62 counters: ask Contains, do not walk it.
type Ranges []Range

// Add puts counter c into the set.
func (r *Ranges) Add(c uint64) {
	s := *r
	// i is the first range that c is in, before, or right behind.
	i := sort.Search(len(s), func(i int) bool { return c <= s[i].Hi || c-1 == s[i].Hi })
	switch {
	case i == len(s):
		s = append(s, Range{c, c})
	case c > s[i].Hi:
		s[i].Hi = c
		if i+1 < len(s) && s[i+1].Lo-1 == c {
			s[i].Hi = s[i+1].Hi
			s = slices.Delete(s, i+1, i+2)
		}
	case c >= s[i].Lo:
	case c == s[i].Lo-1:
		s[i].Lo = c
	default:
		s = slices.Insert(s, i, Range{c, c})
	}
	*r = s
}

func (r Ranges) addTo(b *cryptobyte.Builder) {
	if !r.sound() {
		b.SetError(fmt.Errorf("ranges: %w", ErrMalformed))
		return
	}
	b.AddUint16(uint16(len(r)))
	for _, v := range r {
		b.AddUint64(v.Lo)
		b.AddUint64(v.Hi)
	}
}

func (r *Ranges) read(s *cryptobyte.String) bool {
	var n uint16
	if !s.ReadUint16(&n) || n > MaxRanges || len(*s) < int(n)*16 {
		return false
	}
	*r = make(Ranges, n)
	for i := range *r {
		v := &(*r)[i]
		if !s.ReadUint64(&v.Lo) || !s.ReadUint64(&v.Hi) {
			return false
		}
	}
	return r.sound()
}

// sound reports whether r may stand on the wire.
func (r Ranges) sound() bool {
	for i, v := range r {
		if v.Lo > v.Hi || v.Hi > MaxCounter || i > 0 && v.Lo <= r[i-1].Hi+1 {
			return false
		}
	}
	return len(r) > 0 && len(r) <= MaxRanges
}
