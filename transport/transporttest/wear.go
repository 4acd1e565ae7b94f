package transporttest

import (
	"math/rand/v2"
	"net/netip"
	"time"
)

// Wear is what a bad link does to each packet by chance.
type Wear struct {
	// Loss and Double are how many packets of 1,000 are lost, and come twice.
	Loss, Double int
	// Jitter is the most that a packet takes longer: those behind it can overtake it.
	Jitter time.Duration
	// Seed fixes what chance does.
	Seed uint64
}

// wear is a Wear and its chances.
type wear struct {
	Wear
	rng *rand.Rand
}

// Wear wears the link between two machines, by IP address, in both directions; the
// zero Wear ends it.
func (n *Network) Wear(a, b string, w Wear) {
	n.mu.Lock()
	defer n.mu.Unlock()
	one, other := link{netip.MustParseAddr(a), netip.MustParseAddr(b)}, link{netip.MustParseAddr(b), netip.MustParseAddr(a)}
	n.worn[one], n.worn[other] = nil, nil
	if w.Loss != 0 || w.Double != 0 || w.Jitter != 0 {
		n.worn[one] = &wear{w, rand.New(rand.NewPCG(w.Seed, 1))}
		n.worn[other] = &wear{w, rand.New(rand.NewPCG(w.Seed, 2))}
	}
}

// copies returns how much later each copy of a packet comes: none if it is lost.
func (w *wear) copies() (late []time.Duration) {
	if w == nil {
		return []time.Duration{0}
	}
	for range 2 {
		if w.rng.IntN(1000) >= w.Loss {
			late = append(late, time.Duration(w.rng.Int64N(int64(w.Jitter)+1)))
		}
		if w.rng.IntN(1000) >= w.Double {
			break
		}
	}
	return late
}
