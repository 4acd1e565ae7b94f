package transport

import (
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	ma "github.com/multiformats/go-multiaddr"

	"quicnprotochat/transport/address"
	"quicnprotochat/transport/ipspace"
)

// tcpDelay holds back TCP, which is for networks that block UDP, or that is so slow
// that the other way round costs little.
const tcpDelay = 250 * time.Millisecond

// laterDelay holds back other addresses when there is a local or a best one.
const laterDelay = 50 * time.Millisecond

// rankOrder tells libp2p in which order to dial: it asks by address alone.
type rankOrder struct {
	mu    sync.Mutex
	first map[Addr]int // local and last good addresses in dials under way, counted
}

// set marks the first of addrs, which are best first, until forget is called.
func (r *rankOrder) set(addrs []Addr) (forget func()) {
	own := ipspace.Networks()
	var first []Addr
	for i, a := range addrs {
		if ip, ok := a.IP(); i == 0 || ok && ipspace.Near(ip, own) {
			first = append(first, a)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.first == nil {
		r.first = make(map[Addr]int)
	}
	for _, a := range first {
		r.first[a]++
	}
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		for _, a := range first {
			if r.first[a]--; r.first[a] <= 0 {
				delete(r.first, a)
			}
		}
	}
}

// rank is a libp2p dial ranker.
func (r *rankOrder) rank(addrs []ma.Multiaddr) []network.AddrDelay {
	r.mu.Lock()
	defer r.mu.Unlock()
	first := make([]network.AddrDelay, 0, len(addrs))
	var later []network.AddrDelay
	for _, m := range addrs {
		if a, err := address.Of(m); err == nil && r.first[a] > 0 {
			first = append(first, network.AddrDelay{Addr: m})
			continue
		}
		later = append(later, network.AddrDelay{Addr: m})
	}
	if len(first) > 0 {
		for i := range later {
			later[i].Delay = laterDelay
		}
	}
	out := append(first, later...)
	for i, d := range out {
		if a, err := address.Of(d.Addr); err == nil && !a.IsQUIC() {
			out[i].Delay = tcpDelay
		}
	}
	return out
}
