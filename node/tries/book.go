package tries

import (
	"slices"
	"sync"
	"time"

	"quicnprotochat/rpc"
)

// maxPeople bounds of how many people a Book keeps tries.
const maxPeople = 4096

// Book is what was tried lately, for each person apart. The zero Book is empty.
type Book struct {
	mu sync.Mutex
	m  map[rpc.Identity]*page
}

// page is what is known of one person.
type page struct {
	list []Try
	next time.Time
}

// of returns the page of a person, which it makes. b.mu is held.
func (b *Book) of(id rpc.Identity) *page {
	p := b.m[id]
	if p == nil {
		if b.m == nil || len(b.m) >= maxPeople {
			b.m = make(map[rpc.Identity]*page)
		}
		p = &page{}
		b.m[id] = p
	}
	return p
}

// Note keeps a try for a person.
func (b *Book) Note(id rpc.Identity, t Try) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.of(id)
	p.list = Add(p.list, t)
}

// Plan keeps when the next try is due by the clock; zero: when something changes.
func (b *Book) Plan(id rpc.Identity, next time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if next.IsZero() && b.m[id] == nil {
		return
	}
	b.of(id).next = next
}

// Since returns what was tried for a person from then on.
func (b *Book) Since(id rpc.Identity, from time.Time) []Try {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.m[id]
	if p == nil || len(p.list) == 0 {
		return nil
	}
	return slices.Clip(Between(p.list, from, time.Time{}))
}

// Next returns what Plan was told last.
func (b *Book) Next(id rpc.Identity) time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	if p := b.m[id]; p != nil {
		return p.next
	}
	return time.Time{}
}
