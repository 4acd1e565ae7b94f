package network

import (
	"slices"

	"quicnprotochat/node/tries"
	"quicnprotochat/transport/ipspace"
)

// onlyLAN is what Online says between yes and no.
const onlyLAN = "lan"

// Online says how far the networks of this machine lead, in the words of localapi.Status.
func (n *Network) Online() string {
	switch n.cfg.Host.Farthest() {
	case ipspace.Public:
		return yes
	case ipspace.Local:
		return onlyLAN
	default:
		return no
	}
}

// offline reports whether no network of this machine leads to any of those that were
// called. One that leads out of it may still not lead to an address of another kind.
func offline(online string, calls ...call) bool {
	return online == no || online == onlyLAN && len(calls) > 0 && !slices.ContainsFunc(calls, func(c call) bool { return !tries.Offline(c.err) })
}
