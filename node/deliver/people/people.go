package people

import (
	"bytes"
	"maps"
	"slices"
	"sync"

	"quicnprotochat/rpc"
	"quicnprotochat/rpc/pass"
	"quicnprotochat/transport"
)

// Person is what delivery knows of a contact.
type Person struct {
	ID         rpc.Identity
	Host       transport.Key
	Relays     []transport.RelayURL
	AddressKey [32]byte
	Sealed     []transport.Key // those of its relays that take passes
	Hello      pass.Pass       // of the link that it came with; zero if there is none
}

// People are the contacts.
// They may be used by many goroutines.
type People struct {
	mu sync.Mutex
	m  map[rpc.Identity]Person // guarded by mu
}

// New returns nobody.
func New() *People { return &People{m: make(map[rpc.Identity]Person)} }

// Of returns somebody, if it is a contact.
func (p *People) Of(id rpc.Identity) (Person, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	x, ok := p.m[id]
	return x, ok
}

// Hosts returns the machines of all.
func (p *People) Hosts() []transport.Key {
	p.mu.Lock()
	defer p.mu.Unlock()
	keys := make([]transport.Key, 0, len(p.m))
	for _, x := range p.m {
		keys = append(keys, x.Host)
	}
	return keys
}

// AddressKeys returns what opens the addresses of each machine.
func (p *People) AddressKeys() map[transport.Key][32]byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	keys := make(map[transport.Key][32]byte, len(p.m))
	for _, x := range p.m {
		if x.AddressKey != [32]byte{} {
			keys[x.Host] = x.AddressKey
		}
	}
	return keys
}

// All returns everybody, in the order of the identities.
func (p *People) All() []Person {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := slices.Collect(maps.Values(p.m))
	slices.SortFunc(all, func(a, b Person) int { return bytes.Compare(a.ID[:], b.ID[:]) })
	return all
}

// Put adds somebody, or replaces what was known.
func (p *People) Put(x Person) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.m[x.ID] = x
}

// Move notes the relays of somebody, of whom a newer card may have come meanwhile.
func (p *People) Move(x Person, relays []transport.RelayURL) Person {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now, ok := p.m[x.ID]; ok {
		x = now
	}
	x.Relays = relays
	p.m[x.ID] = x
	return x
}
