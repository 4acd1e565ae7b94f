package limits

import (
	"log/slog"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/control"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"quicnprotochat/transport/tally"
)

const (
	// handshakeTime is how long libp2p waits for a handshake over TCP, and a second.
	handshakeTime = 16 * time.Second
	// maxHandshakes bounds those that are looked after; others are held for lost.
	maxHandshakes = 8192
)

// Doorway watches what comes in over TCP, and says in the log how many proved no key:
// libp2p ends them without a word. It is a connmgr.ConnectionGater that lets all in.
type Doorway struct {
	lost *tally.Tally

	// mu guards under.
	mu    sync.Mutex
	under map[string]*time.Timer // handshakes under way, by both addresses; nil when closed
}

// NewDoorway returns one that has seen nobody. Close must follow.
func NewDoorway(log *slog.Logger) *Doorway {
	return &Doorway{under: make(map[string]*time.Timer), lost: tally.New(func(count int) {
		log.Info("connections over TCP cut off before they proved a key", "count", count)
	})}
}

// Close says in the log what was not said yet. Handshakes that are under way are not
// lost. It may be called again.
func (d *Doorway) Close() {
	d.mu.Lock()
	for _, timer := range d.under {
		timer.Stop()
	}
	d.under = nil
	d.mu.Unlock()
	d.lost.Close()
}

// InterceptAccept implements connmgr.ConnectionGater.
func (d *Doorway) InterceptAccept(c network.ConnMultiaddrs) bool {
	if _, err := c.LocalMultiaddr().ValueForProtocol(ma.P_TCP); err != nil {
		return true
	}
	if !d.note(handshakeOf(c)) {
		d.lost.Add()
	}
	return true
}

// note begins to look after a handshake; false means that there are too many.
func (d *Doorway) note(key string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.under == nil || len(d.under) >= maxHandshakes {
		return d.under == nil
	}
	var timer *time.Timer
	timer = time.AfterFunc(handshakeTime, func() {
		if d.over(key, &timer) {
			d.lost.Add()
		}
	})
	d.under[key] = timer
	return true
}

// over ends looking after a handshake, and reports whether it was the one of that timer,
// which note sets under mu, and not another one of the same addresses.
func (d *Doorway) over(key string, timer **time.Timer) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.under[key] != *timer {
		return false
	}
	delete(d.under, key)
	return true
}

// InterceptSecured implements connmgr.ConnectionGater.
func (d *Doorway) InterceptSecured(dir network.Direction, _ peer.ID, c network.ConnMultiaddrs) bool {
	if dir != network.DirInbound {
		return true
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	key := handshakeOf(c)
	if timer := d.under[key]; timer != nil {
		timer.Stop()
		delete(d.under, key)
	}
	return true
}

// InterceptPeerDial implements connmgr.ConnectionGater.
func (d *Doorway) InterceptPeerDial(peer.ID) bool { return true }

// InterceptAddrDial implements connmgr.ConnectionGater.
func (d *Doorway) InterceptAddrDial(peer.ID, ma.Multiaddr) bool { return true }

// InterceptUpgraded implements connmgr.ConnectionGater.
func (d *Doorway) InterceptUpgraded(network.Conn) (bool, control.DisconnectReason) { return true, 0 }

// handshakeOf names a handshake.
func handshakeOf(c network.ConnMultiaddrs) string {
	return c.RemoteMultiaddr().String() + c.LocalMultiaddr().String()
}
