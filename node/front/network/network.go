package network

import (
	"quicnprotochat/node/deliver"
	"quicnprotochat/transport"
)

// Config says whose network it is. All fields are required.
type Config struct {
	Host      *transport.Host
	Deliverer *deliver.Deliverer
	// LAN is on, contacts or off: whether the host looks for others on the LAN, and
	// who can read what it announces.
	LAN string
}

// Network says how a machine is connected.
type Network struct{ cfg Config }

// New returns the network of a node.
func New(cfg Config) *Network { return &Network{cfg} }

// Addrs returns the addresses that a host can be dialled at, each with its key.
func Addrs(h *transport.Host) []string {
	all := []string{}
	for _, a := range h.Addrs() {
		all = append(all, a.WithKey(h.Key()))
	}
	return all
}
