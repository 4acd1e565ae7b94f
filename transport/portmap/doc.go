// Package portmap asks the router for a port by NAT-PMP (RFC 6886), so that who is
// outside can reach a UDP port of this machine.
//
// What it is not: it speaks no UPnP, which libp2p does, and nothing to any machine but
// the router that leads to the internet. libp2p v0.51.0 has NAT-PMP too, and never finds
// the router: it asks for the way to 0.0.0.0, which go-netroute v0.4.0 refuses.
//
// Invariants: an answer counts only if it comes from the router, in full, and is of the
// request; a port that the router forwards is given back at the end.
//
// It is for package transport.
package portmap
