// Package transport reaches other machines by their key. It wraps one libp2p
// host whose key is the identity of the person who runs it, and which speaks
// QUIC, and TCP where a network blocks UDP; nothing outside this tree knows
// libp2p, QUIC or multiaddrs.
//
// What it offers:
//
//   - [Host]: opens streams to a [Key] over the live connection or by dialing
//     the addresses that were learnt for it, and says over which [Path] it went
//     and what was tried in vain
//   - [Addr], [RelayURL]: addresses as text and as bytes, with strict parsers for
//     what comes from others
//   - discovery on the local network by multicast DNS: Config.LAN
//   - direct connections through NATs with the help of relays: Config.MayPunch,
//     [Host.Reserve] and [Host.LearnCircuits] of a node, Config.Circuits of a relay
//   - what is known of how others can reach this machine: [Host.Reachability]; and a
//     port that the router forwards to it, by UPnP or NAT-PMP: Config.PortMap
//   - plain QUIC, without libp2p, for a relay that serves other programs and for
//     callers that must not be known: Config.OnPlain and [DialPlain]
//
// Where to read:
//
//   - what a Host is: host.go, config.go, certificate.go
//   - which addresses were learnt: book.go. How a machine is reached: dial.go, rank.go
//   - what there is then: stream.go, path.go, events.go. Which connections are made
//     anew: renew.go, leavetcp.go
//   - how others reach us: listen.go, reach.go, ports.go
//   - calls without libp2p: plain.go
//
// And below it:
//
//   - address: keys, addresses and relay URLs, which have the same names here;
//     endpoint: the signed record of where somebody is
//   - ipspace: how far away an IP address is, and what it counts for
//   - limits: what a host lets others use; tally: how that is told to the log
//   - lan, and mdns, by which it asks: discovery
//   - reach: how others reach us through NATs, which has outside (how we look from
//     there), punch (holes), circuit (what a relay lends); portmap: a port of the router
//   - pauses: when QUIC is tried again in place of TCP
//   - tried: what became of dialling a machine, in words
//   - plain: QUIC without libp2p
//   - transporttest: a simulated network, for tests
//
// What it is not: it knows no messages, no contacts and no stored state, it
// tries no message again, and it has no opinion on when to use a relay.
//
// Invariants:
//
//   - a stream's [Stream.Key] is the key that TLS proved, and Open returns a
//     stream to the key asked for or an error
//   - bytes from outside are bounded before they are parsed, and never panic
//   - callbacks run without any lock of the host held
//   - addresses of this machine are told to nobody except, by multicast, to the
//     local network when discovery is on, and over an encrypted circuit to whom
//     Config.MayPunch names: libp2p's identify protocol is made to send none.
//     Contacts get them in the sealed part of a record (package transport/endpoint)
//   - a circuit carries no stream of ours: they are opened on, and taken from, direct
//     connections only
//   - where sockets are not the machine's own, as in a simulated network, nothing
//     opens any other
//
// It is for packages relay and node.
package transport
