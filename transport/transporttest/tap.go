package transporttest

import (
	"bytes"
	"net/netip"
)

// Tap sees each packet that is sent from one machine to another, and may change it.
type Tap func(from, to netip.Addr, packet []byte)

// Tap lets tap see and change each packet from now on, one at a time; nil ends it.
func (n *Network) Tap(tap Tap) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.tap = tap
}

// tapped returns a packet as it goes on.
func (n *Network) tapped(from, to netip.Addr, packet []byte) []byte {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.tap == nil {
		return packet
	}
	packet = bytes.Clone(packet)
	n.tap(from, to, packet)
	return packet
}
