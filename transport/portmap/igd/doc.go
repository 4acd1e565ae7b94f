// Package igd asks a router to forward UDP ports by UPnP: its service WANIPConnection,
// or WANPPPConnection, of an Internet Gateway Device.
//
// What it is not: it keeps nothing alive, and it asks nobody but the router whose address
// it is given. libp2p's client of this protocol looks for a router once, and asks the one
// it found several times a minute for as long as a node runs.
//
// Invariants: what answers the search counts only if it comes from the router, and what
// it names is fetched only from the router's address, without redirects; of an answer no
// more than maxBody bytes are read.
//
// It is for package transport/portmap.
package igd
