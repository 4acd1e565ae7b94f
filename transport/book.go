package transport

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"quicnprotochat/transport/ipspace"
	"quicnprotochat/transport/mdns"
)

// Source says from where an address of a peer was learnt. It decides for how
// long the address is kept and in which order addresses are dialled.
type Source int

const (
	// SourceLink is a contact link or card: kept until it is pushed out.
	SourceLink Source = iota
	// SourceRelay is an endpoint record that a relay handed out: kept for 24 hours.
	SourceRelay
	// SourcePeer is what the peer itself told: kept for 24 hours.
	SourcePeer
	// SourceLAN is multicast on the local network: kept for minutes.
	SourceLAN
	// SourceUser is what the user typed, a relay URL for instance: kept until it is
	// pushed out.
	SourceUser

	// sourceSeen is the address of a connection that we had.
	sourceSeen
)

const (
	maxBookPeers  = 8192
	maxTried      = 16 // per peer
	maxCandidates = 24 // addresses that one Open dials
	maxCircuits   = 8  // relays by which a peer may be called

	addrLife = 24 * time.Hour
	lanLife  = mdns.Life
)

// life returns how long an address from s is kept; 0 is for ever.
func (s Source) life() time.Duration {
	switch s {
	case SourceRelay, SourcePeer, sourceSeen:
		return addrLife
	case SourceLAN:
		return lanLife
	default:
		return 0
	}
}

// most returns how many addresses from s are kept for one peer.
func (s Source) most() int {
	switch s {
	case sourceSeen:
		return 2
	case SourceLAN:
		return 8
	default:
		return 16
	}
}

// replaces reports whether what s tells replaces what it told before.
func (s Source) replaces() bool { return s == SourceRelay || s == SourcePeer }

// book holds the addresses of peers and what became of dialling them. It is
// bounded in all directions; the peers untouched for longest go first.
type book struct {
	mu    sync.Mutex
	peers map[Key]*bookPeer
}

// bookPeer is what is known of one peer.
type bookPeer struct {
	addrs   []bookAddr // in the order learnt
	tried   []Attempt  // at most one per address, oldest first
	touched time.Time
	version int // counts changes of addrs that bring new addresses

	// circuits are the relays by which the peer may be called for punching.
	circuits []Key
}

// bookAddr is one known address.
type bookAddr struct {
	addr    Addr
	source  Source
	expires time.Time // zero is never
	failed  bool      // at the last attempt
}

// learn adds addresses; those that cannot be dialled are dropped.
func (b *book) learn(k Key, src Source, addrs []Addr, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.touch(k, now)
	if src.replaces() {
		p.addrs = slices.DeleteFunc(p.addrs, func(a bookAddr) bool { return a.source == src && !slices.Contains(addrs, a.addr) })
	}
	var expires time.Time
	if life := src.life(); life > 0 {
		expires = now.Add(life)
	}
	for _, addr := range addrs {
		if !addr.CanDial() {
			continue
		}
		entry := bookAddr{addr: addr, source: src, expires: expires}
		same := func(a bookAddr) bool { return a.addr == addr && a.source == src }
		if i := slices.IndexFunc(p.addrs, same); i >= 0 {
			entry.failed = p.addrs[i].failed && src != SourceLAN
			p.addrs = slices.Delete(p.addrs, i, i+1)
		} else {
			p.version++
		}
		p.addrs = append(p.addrs, entry)
	}
	p.trim(src)
}

// learnCircuits notes by which relays k may be called, at most maxCircuits.
func (b *book) learnCircuits(k Key, relays []Key, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.touch(k, now).circuits = slices.Clone(relays[:min(len(relays), maxCircuits)])
}

// circuits returns the relays by which k may be called.
func (b *book) circuits(k Key) []Key {
	b.mu.Lock()
	defer b.mu.Unlock()
	if p := b.peers[k]; p != nil {
		return slices.Clone(p.circuits)
	}
	return nil
}

// trim drops the oldest addresses of src above the bound.
func (p *bookPeer) trim(src Source) {
	over := -src.most()
	for _, a := range p.addrs {
		if a.source == src {
			over++
		}
	}
	p.addrs = slices.DeleteFunc(p.addrs, func(a bookAddr) bool {
		drop := a.source == src && over > 0
		if drop {
			over--
		}
		return drop
	})
}

// candidates returns the addresses to dial, best first, and the version of the
// book they come from.
func (b *book) candidates(k Key, now time.Time) (addrs []Addr, version int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.peers[k]
	if p == nil {
		return nil, 0
	}
	p.touched = now
	p.addrs = slices.DeleteFunc(p.addrs, func(a bookAddr) bool { return !a.expires.IsZero() && !now.Before(a.expires) })
	for _, a := range p.ranked() {
		if !slices.Contains(addrs, a.addr) && len(addrs) < maxCandidates {
			addrs = append(addrs, a.addr)
		}
	}
	return addrs, p.version
}

// ranked returns the addresses in the order to dial them: what failed last time
// last, then by source, of each the newest first. libp2p dials eight at a time,
// so no source gets more than two places before the others had theirs.
func (p *bookPeer) ranked() []bookAddr {
	type place struct {
		bookAddr
		round int
	}
	var places []place
	var count [len(dialOrder)]int
	for _, a := range slices.Backward(p.addrs) {
		places = append(places, place{a, count[a.source] / 2})
		if !a.failed {
			count[a.source]++
		}
	}
	slices.SortStableFunc(places, func(a, b place) int {
		return cmp.Or(boolOrder(a.failed, b.failed), cmp.Compare(a.round, b.round),
			cmp.Compare(dialOrder[a.source], dialOrder[b.source]))
	})
	out := make([]bookAddr, len(places))
	for i, pl := range places {
		out[i] = pl.bookAddr
	}
	return out
}

// dialOrder is the order of sources: the local network, the last good address,
// the user's word, then what was learnt from afar.
var dialOrder = [...]int{SourceLAN: 0, sourceSeen: 1, SourceUser: 2, SourceLink: 3, SourcePeer: 4, SourceRelay: 5}

// boolOrder sorts false before true.
func boolOrder(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	default:
		return 1
	}
}

// record keeps what became of dialling an address.
func (b *book) record(k Key, attempts []Attempt, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.touch(k, now)
	for _, t := range attempts {
		for i := range p.addrs {
			if p.addrs[i].addr == t.Addr {
				p.addrs[i].failed = t.Err != ""
			}
		}
		p.tried = slices.DeleteFunc(p.tried, func(old Attempt) bool { return old.Addr == t.Addr })
		p.tried = append(p.tried, t)
	}
	if over := len(p.tried) - maxTried; over > 0 {
		p.tried = slices.Delete(p.tried, 0, over)
	}
}

// tried returns what became of dialling k, oldest first.
func (b *book) tried(k Key) []Attempt {
	b.mu.Lock()
	defer b.mu.Unlock()
	if p := b.peers[k]; p != nil {
		return slices.Clone(p.tried)
	}
	return nil
}

// hasLocal reports whether k has an address that is not public, did not fail at
// its last attempt, and is not known by hearsay.
func (b *book) hasLocal(k Key) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.peers[k]
	return p != nil && slices.ContainsFunc(p.addrs, func(a bookAddr) bool {
		ip, ok := a.addr.IP()
		return ok && !a.failed && !a.source.replaces() && ipspace.Of(ip) < ipspace.Public
	})
}

// touch returns the entry of k, which it makes if need be; b.mu is held.
func (b *book) touch(k Key, now time.Time) *bookPeer {
	p := b.peers[k]
	if p == nil {
		if b.peers == nil {
			b.peers = make(map[Key]*bookPeer)
		}
		if len(b.peers) >= maxBookPeers {
			b.evict()
		}
		p = &bookPeer{}
		b.peers[k] = p
	}
	p.touched = now
	return p
}

// evict drops peers that are known from the local network alone, where anybody can invent
// some, if they are a sixteenth of all, else of all: the sixteenth that was untouched for
// longest. b.mu is held.
func (b *book) evict() {
	var heard, all []time.Time
	for _, p := range b.peers {
		all = append(all, p.touched)
		if p.isHeard() {
			heard = append(heard, p.touched)
		}
	}
	part := len(all) / 16
	onlyHeard := len(heard) > part
	times := all
	if onlyHeard {
		times = heard
	}
	slices.SortFunc(times, time.Time.Compare)
	for k, p := range b.peers {
		if !p.touched.After(times[part]) && (!onlyHeard || p.isHeard()) {
			delete(b.peers, k)
		}
	}
}

// isHeard reports whether a peer is known from the local network alone.
func (p *bookPeer) isHeard() bool {
	return len(p.addrs) > 0 && !slices.ContainsFunc(p.addrs, func(a bookAddr) bool { return a.source != SourceLAN })
}
