// Package ipspace says what an IP address is good for: from how far away it can be
// dialled, whether it is on a network of this machine, how far those lead, and which network
// it counts for where something is shared out among those who call ([Shares], [Line]). It
// sends nothing and knows nothing of ports.
//
// It is for package transport, for relay/traffic, so that an address is the same wherever one
// is counted, and for who asks a host how far it gets.
package ipspace
