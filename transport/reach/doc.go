// Package reach is what a host does so that others can reach it through NATs: it
// finds out how it looks from outside (package outside), keeps reservations at relays
// and punches holes (package punch), and, on a relay, lends circuits (package circuit).
//
// What it is not: it makes no direct connection by itself, keeps no addresses of
// peers, and opens no streams of NodeService.
//
// Invariants:
//
//   - what a peer told for punching is dialled only if it is public, or private and the
//     peer may be behind the same NAT; never loopback, link-local or a name
//   - no more addresses than punch.MaxAddrs are told, to whom Config.MayPunch names
//
// It is for package transport, and for who shows what a host knows of its Reachability.
package reach
