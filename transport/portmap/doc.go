// Package portmap asks the router for a port, by NAT-PMP (RFC 6886) or UPnP (package igd),
// so that who is outside can reach a UDP port of this machine.
//
// What it is not: it speaks to no machine but the router that leads to the internet, for
// which it searches by multicast, and tells it no more of us than the port and "qpc". It is
// here because libp2p v0.51.0, which speaks both, looks for a router only at its start,
// finds none that speaks NAT-PMP (it asks for the way to 0.0.0.0, which go-netroute v0.4.0
// refuses), and calls one that speaks UPnP several times a minute.
//
// Invariants: an answer counts only if it comes from the router, in full, and is of the
// request; another router is asked when this machine moves to it; a port that the router
// forwards is given back at the end.
//
// It is for package transport.
package portmap
