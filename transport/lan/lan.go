package lan

import (
	"context"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"quicnprotochat/transport/address"
	"quicnprotochat/transport/ipspace"
	"quicnprotochat/transport/mdns"
)

const (
	maxPeers = 256
	maxHere  = 32               // of them announced from one address
	life     = mdns.Life        // of what was heard
	tellGap  = 10 * time.Second // between two calls of Found for one unchanged peer
	moveGap  = time.Second      // the same for one whose addresses change
)

// Config says what is announced and who is told.
type Config struct {
	// Self is the key of this machine, Addrs returns its present addresses.
	Self  address.Key
	Addrs func() []address.Addr
	// Key, if it is set, returns the key under which the announcements are sealed. If it
	// is nil, they are for all to read.
	Key func() ([32]byte, error)
	// Keys returns the keys under which others seal theirs. If it is nil, those that are
	// sealed are not read.
	Keys func() map[address.Key][32]byte
	// Found is told each time a machine is found, by one goroutine.
	Found func(k address.Key, addrs []address.Addr)
	Log   *slog.Logger
}

// Discovery keeps whom it finds.
type Discovery struct {
	cfg Config

	// mu guards peers and shares.
	mu     sync.Mutex
	peers  map[address.Key]seen
	shares shares
}

// seen is when and where a peer was heard.
type seen struct {
	at, told time.Time
	addrs    []address.Addr
	// v4 and v6 are where it was first heard from, over either.
	v4, v6 netip.Addr
}

// peer is a node that announces itself, or says goodbye.
type peer struct {
	key   address.Key
	addrs []address.Addr
	gone  bool
	from  netip.Addr
}

// New returns a Discovery that does nothing before Run.
func New(cfg Config) *Discovery {
	return &Discovery{cfg: cfg, peers: make(map[address.Key]seen), shares: newShares()}
}

// Run listens and announces until ctx ends.
func (d *Discovery) Run(ctx context.Context) {
	cfg := mdns.Config{
		Addrs:    d.announced,
		Networks: ipspace.Networks,
		Near:     ipspace.Near,
		Heard: func(n mdns.Node, nets []netip.Prefix) {
			if p, ok := peerOf(n); ok {
				d.heard(p, nets, time.Now())
			} else if n.Sealed != nil {
				d.heardSealed(n, nets, time.Now())
			}
		},
		Log: d.cfg.Log,
	}
	if d.cfg.Key != nil {
		cfg.Seal = d.seal
	}
	mdns.New(cfg).Run(ctx)
}

// announced returns the host's addresses with its key.
func (d *Discovery) announced() []mdns.Addr {
	var out []mdns.Addr
	for _, a := range d.cfg.Addrs() {
		if ip, ok := a.IP(); ok {
			out = append(out, mdns.Addr{IP: ip, Text: a.WithKey(d.cfg.Self)})
		}
	}
	return out
}

// peerOf reads the addresses of a node; those that are malformed, and of
// another key than the first, are passed over. ok is false if none is left.
func peerOf(n mdns.Node) (p peer, ok bool) {
	p.gone, p.from = n.Gone, n.From
	for _, text := range n.Addrs {
		addrText, keyText, hasKey := strings.Cut(text, "/p2p/")
		if !hasKey || len(p.addrs) >= mdns.MaxAddrs {
			continue
		}
		addr, addrErr := address.ParseAddr(addrText)
		key, keyErr := address.ParseKey(keyText)
		if addrErr != nil || keyErr != nil || !p.key.IsZero() && key != p.key {
			continue
		}
		p.key = key
		p.addrs = append(p.addrs, addr)
	}
	return p, !p.key.IsZero()
}

// heard notes one peer.
func (d *Discovery) heard(p peer, nets []netip.Prefix, now time.Time) {
	if p.key == d.cfg.Self {
		return
	}
	if p.gone {
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.peers[p.key].isFrom(p.from) { // nobody says goodbye for others
			delete(d.peers, p.key)
		}
		return
	}
	addrs := slices.DeleteFunc(slices.Clone(p.addrs), func(a address.Addr) bool {
		ip, ok := a.IP()
		return !ok || !a.CanDial() || !ipspace.Near(ip, nets)
	})
	if len(addrs) == 0 || !d.note(p.key, addrs, p.from, now) {
		return
	}
	d.cfg.Log.Debug("found on the local network", "peer", p.key, "addrs", addrs)
	d.cfg.Found(p.key, addrs)
}

// note keeps that k was heard; false means that it is no news. When there are too many, it
// takes the place of the one that was heard longest ago.
func (d *Discovery) note(k address.Key, addrs []address.Addr, from netip.Addr, now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	old, known := d.peers[k]
	if !known {
		if !d.mayAdd(from, now) {
			return false
		}
		d.makeRoom(now)
	}
	entry := seen{at: now, told: now, addrs: addrs, v4: old.v4, v6: old.v6}
	switch {
	case from.Is4() && !entry.v4.IsValid():
		entry.v4 = from
	case from.Is6() && !entry.v6.IsValid():
		entry.v6 = from
	}
	quiet := now.Sub(old.told)
	news := !known || quiet >= tellGap || quiet >= moveGap && !slices.Equal(old.addrs, addrs)
	if !news {
		entry.told = old.told
	}
	d.peers[k] = entry
	return news
}

// isFrom reports whether a peer was first heard from there.
func (s seen) isFrom(from netip.Addr) bool { return from == s.v4 || from == s.v6 }

// mayAdd reports whether another peer may be announced from there: who invents many shall
// not keep out those of others. d.mu is held.
func (d *Discovery) mayAdd(from netip.Addr, now time.Time) bool {
	here := 0
	for _, s := range d.peers {
		if s.isFrom(from) && now.Sub(s.at) <= life {
			here++
		}
	}
	return here < maxHere && d.shares.at(from).fresh.AllowN(now, 1)
}

// makeRoom forgets who was not heard for long, and of too many the one that was heard
// longest ago. d.mu is held.
func (d *Discovery) makeRoom(now time.Time) {
	var oldest address.Key
	for key, s := range d.peers {
		if now.Sub(s.at) > life {
			delete(d.peers, key)
		} else if oldest.IsZero() || s.at.Before(d.peers[oldest].at) {
			oldest = key
		}
	}
	if len(d.peers) >= maxPeers {
		delete(d.peers, oldest)
	}
}

// Keys returns who was heard in the last minutes.
func (d *Discovery) Keys(now time.Time) []address.Key {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []address.Key
	for k, s := range d.peers {
		if now.Sub(s.at) <= life {
			out = append(out, k)
		}
	}
	return out
}
