// Package outside finds out how this machine looks from the internet: the addresses
// that relays see it at, the kind of NAT between, a port that the router forwards
// to it (UPnP, NAT-PMP), and which addresses are open to everybody (AutoNAT v2). It
// knows no addresses, keys or streams of package transport.
//
// What it is not: it makes no connections and tells nobody what it found.
//
// Invariants:
//
//   - an address that somebody else saw counts only if Config.Trusted names who saw
//     it, for as long as that connection lives, and is of the form IP/udp/PORT/quic-v1;
//     the word of those whom Config.Heard names shows the kind of NAT alone
//   - a relay is asked to dial back no more than once in two minutes, and nobody whom
//     Config.Trusted does not name
//
// It is for package transport.
package outside
