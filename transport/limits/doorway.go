package limits

import (
	"log/slog"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/control"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

const (
	// handshakeTime is how long libp2p waits for a handshake over TCP, and a second.
	handshakeTime = 16 * time.Second
	// maxHandshakes bounds those that are looked after; others are held for lost.
	maxHandshakes = 8192
	// lostPause is the least time between two words to the log about lost ones.
	lostPause = time.Minute
)

// Doorway watches what comes in over TCP, and says in the log how many proved no key:
// libp2p ends them without a word. It is a connmgr.ConnectionGater that lets all in.
type Doorway struct {
	log *slog.Logger

	// mu guards the fields below.
	mu    sync.Mutex
	under map[string]*time.Timer // handshakes under way, by both addresses
	lost  int                    // since the last word to the log
	said  time.Time              // the last one
}

// NewDoorway returns one that has seen nobody.
func NewDoorway(log *slog.Logger) *Doorway {
	return &Doorway{log: log, under: make(map[string]*time.Timer)}
}

// InterceptAccept implements connmgr.ConnectionGater.
func (d *Doorway) InterceptAccept(c network.ConnMultiaddrs) bool {
	if _, err := c.LocalMultiaddr().ValueForProtocol(ma.P_TCP); err != nil {
		return true
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.under) >= maxHandshakes {
		d.lose()
		return true
	}
	key := handshakeOf(c)
	var timer *time.Timer
	timer = time.AfterFunc(handshakeTime, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.under[key] == timer { // not another one of the same addresses
			delete(d.under, key)
			d.lose()
		}
	})
	d.under[key] = timer
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

// lose counts one that proved no key. The caller holds mu.
func (d *Doorway) lose() {
	d.lost++
	if now := time.Now(); now.Sub(d.said) >= lostPause {
		d.log.Info("connections over TCP cut off before they proved a key", "count", d.lost)
		d.said, d.lost = now, 0
	}
}
