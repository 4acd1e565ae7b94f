package pauses

import (
	"slices"
	"time"

	"quicnprotochat/transport/address"
)

// first is the age of a connection at which its machine is first asked, most the longest
// pause between two tries, which double.
const first, most = 15 * time.Second, 10 * time.Minute

// Pauses are those of some machines. They are kept when a machine answers: UDP may be lost
// again, and again. They may be used by one goroutine at a time.
type Pauses struct {
	of    map[address.Key]pause
	local []address.Addr // where this machine was
}

// pause is the length of the last one and when it ends.
type pause struct {
	length time.Duration
	end    time.Time
}

// New returns none.
func New() *Pauses { return &Pauses{of: make(map[address.Key]pause)} }

// None reports whether there are none.
func (p *Pauses) None() bool { return len(p.of) == 0 }

// At forgets all when this machine has come to another network, which its own addresses
// show: those that others see come and go with QUIC itself. It also forgets old ones.
func (p *Pauses) At(local []address.Addr, now time.Time) {
	if !slices.Equal(local, p.local) {
		p.local = local
		clear(p.of)
	}
	for k, last := range p.of {
		if now.Sub(last.end) > most {
			delete(p.of, k)
		}
	}
}

// Due reports whether a machine with a connection that was opened at that time is to be
// asked now, and doubles its pause.
func (p *Pauses) Due(k address.Key, opened, now time.Time) bool {
	last, known := p.of[k]
	if !known {
		last = pause{first, opened.Add(first)}
		p.of[k] = last
	}
	if !now.After(last.end) {
		return false
	}
	length := min(2*last.length, most)
	p.of[k] = pause{length, now.Add(length)}
	return true
}
