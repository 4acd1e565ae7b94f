// Package network says how this machine is connected and whom it reaches: for qpc
// netcheck what the host and the relays know, with advice, and for qpc ping how the
// machine and the relays of somebody answer now.
//
// It is for packages front and node. It decides nothing about messages, and changes
// nothing but that it connects.
package network
