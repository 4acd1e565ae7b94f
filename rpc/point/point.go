package point

import (
	"sync"

	"filippo.io/edwards25519"
)

// Valid reports whether b is such a key. To find it out takes ten microseconds, and a
// batch names many keys, again and again: those that were found valid are remembered.
func Valid(b [32]byte) bool {
	if valid.has(b) {
		return true
	}
	if !check(b[:]) {
		return false
	}
	valid.add(b)
	return true
}

// check is Valid, found out.
func check(b []byte) bool {
	p, err := new(edwards25519.Point).SetBytes(b)
	if err != nil || !canonical(b) {
		return false
	}
	return new(edwards25519.Point).MultByCofactor(p).Equal(edwards25519.NewIdentityPoint()) != 1
}

// valid are keys that were found valid.
var valid keySet

// maxValid bounds them, to some 3 MiB; one more, and all are forgotten.
const maxValid = 1 << 16

// keySet is a bounded set of keys. The zero value is empty.
type keySet struct {
	mu sync.RWMutex // guards m
	m  map[[32]byte]struct{}
}

func (s *keySet) has(k [32]byte) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	_, ok := s.m[k]
	return ok
}

func (s *keySet) add(k [32]byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.m == nil || len(s.m) >= maxValid {
		s.m = make(map[[32]byte]struct{})
	}
	s.m[k] = struct{}{}
}

// canonical reports whether the y in an encoded point is below 2^255-19. To encode
// the point again would tell too, and takes as long as all else about it. The sign
// of an x of 0 is left: such points are of small order.
func canonical(b []byte) bool {
	for i := 30; i > 0; i-- {
		if b[i] != 0xff {
			return true
		}
	}
	return b[31]&0x7f != 0x7f || b[0] < 0xed
}
