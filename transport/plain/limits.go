package plain

import (
	"net/netip"
	"sync"
	"time"

	"quicnprotochat/transport/ipspace"
)

// Limits bound what callers use of a Server. A zero field means its default.
// Addresses are counted each by itself if IPv4, by /56 and, with eight times the
// limits but no more than half of all, by /48 if IPv6 (package ipspace). Loopback has no
// share of its own, only the limits of all.
// Until its handshake is over, a connection counts for the limits of the host too.
type Limits struct {
	// Conns bounds connections in all. Default 20,000.
	Conns int
	// ConnsPerAddr bounds connections from one address. Default 1024.
	ConnsPerAddr int
	// NewConnsPerAddr bounds new connections from one address in a second; ten
	// times as many may come at once. Default 50.
	NewConnsPerAddr int
	// Handshakes bounds those under way in all; one address may have an eighth. With
	// those of libp2p the host lets as many be under way, but no fewer than by default
	// (package limits). Default 384.
	Handshakes int
	// Silent bounds connections on which nothing came on any stream yet: one more ends
	// the oldest of them. Default 256.
	Silent int
	// Streams bounds streams in all. Default 50,000.
	Streams int
	// StreamsPerAddr bounds streams from one address. Default 4096.
	StreamsPerAddr int
	// StreamsPerConn is how many streams of a connection are served at once; more
	// wait their turn. Default 32.
	StreamsPerConn int
	// Idle is how long nothing may come on a stream, whose calls may be under way
	// meanwhile. Default 5 minutes.
	Idle time.Duration
	// Empty is how long a connection may be without a stream, and a stream without
	// a first byte. Default 30 seconds.
	Empty time.Duration
}

// withDefaults fills in the defaults.
func (l Limits) withDefaults() Limits {
	for _, f := range []struct {
		field *int
		value int
	}{
		{&l.Conns, 20_000},
		{&l.ConnsPerAddr, 1024},
		{&l.NewConnsPerAddr, 50},
		{&l.Handshakes, 384},
		{&l.Silent, 256},
		{&l.Streams, 50_000},
		{&l.StreamsPerAddr, 4096},
		{&l.StreamsPerConn, 32},
	} {
		if *f.field <= 0 {
			*f.field = f.value
		}
	}
	if l.Idle <= 0 {
		l.Idle = 5 * time.Minute
	}
	if l.Empty <= 0 {
		l.Empty = 30 * time.Second
	}
	return l
}

const (
	// maxGuests bounds the addresses that are remembered. Above it new ones are
	// refused, which takes more addresses than there are connections to be had.
	maxGuests = 1 << 17
	// burst is how many seconds of new connections may come at once.
	burst = 10
)

// kind is what is counted.
type kind int

const (
	handshakes kind = iota
	conns
	streams
	kinds
)

// door counts what callers use, in all and by network.
type door struct {
	limits Limits

	// mu guards the fields below.
	mu     sync.Mutex
	all    [kinds]int
	guests map[netip.Prefix]*guest
	swept  int // guests that were left by the last sweep
}

// guest is what one network uses, and its allowance of new connections.
type guest struct {
	used  [kinds]int
	spent float64 // new connections, less what has come back since
	at    time.Time
	share ipspace.Share
}

func newDoor(l Limits) *door { return &door{limits: l, guests: make(map[netip.Prefix]*guest)} }

// max returns the limits of k in all and for one address.
func (d *door) max(k kind) (all, one int) {
	switch k {
	case handshakes:
		return d.limits.Handshakes, max(1, d.limits.Handshakes/8)
	case conns:
		return d.limits.Conns, d.limits.ConnsPerAddr
	default:
		return d.limits.Streams, d.limits.StreamsPerAddr
	}
}

// enter counts one more of k from ip; a handshake is a new connection too. If ok,
// leave must be called once.
func (d *door) enter(k kind, ip netip.Addr, now time.Time) (leave func(), ok bool) {
	all, one := d.max(k)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.all[k] >= all {
		return nil, false
	}
	in := d.networks(ip, now)
	for _, g := range in {
		if g == nil || g.used[k] >= int(g.share.Most(int64(one), int64(all))) || k == handshakes && g.spent >= burst*d.rate(g) {
			return nil, false
		}
	}
	d.all[k]++
	for _, g := range in {
		g.used[k]++
		if k == handshakes {
			g.spent++
		}
	}
	return sync.OnceFunc(func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.all[k]--
		for _, g := range in {
			g.used[k]--
		}
	}), true
}

// networks returns the guests that ip counts for; a nil one means that there is
// no room to remember it.
func (d *door) networks(ip netip.Addr, now time.Time) (in []*guest) {
	for _, share := range ipspace.Shares(ip) {
		in = append(in, d.guest(share, now))
	}
	return in
}

// guest returns what is known of a network, with its allowance brought up to now.
func (d *door) guest(share ipspace.Share, now time.Time) *guest {
	g := d.guests[share.Network]
	if g == nil {
		if len(d.guests) >= 2*d.swept+1024 {
			d.sweep(now)
		}
		if len(d.guests) >= maxGuests {
			return nil
		}
		g = &guest{at: now, share: share}
		d.guests[share.Network] = g
	}
	d.refresh(g, now)
	return g
}

// rate is how many new connections of a guest are allowed in a second.
func (d *door) rate(g *guest) float64 { return float64(d.limits.NewConnsPerAddr * g.share.Lines) }

// refresh gives back the allowance of the time that went by.
func (d *door) refresh(g *guest, now time.Time) {
	back := now.Sub(g.at).Seconds() * d.rate(g)
	g.spent, g.at = max(0, g.spent-max(0, back)), now
}

// sweep forgets who uses nothing and has all its allowance.
func (d *door) sweep(now time.Time) {
	for p, g := range d.guests {
		if d.refresh(g, now); g.spent == 0 && g.used == [kinds]int{} {
			delete(d.guests, p)
		}
	}
	d.swept = len(d.guests)
}
