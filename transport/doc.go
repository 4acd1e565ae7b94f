// Package transport reaches other machines by their key. It wraps one libp2p
// host that speaks QUIC and whose key is the identity of the person who runs
// it; nothing outside this package knows libp2p, QUIC or multiaddrs.
//
// What it offers:
//
//   - [Host]: opens streams to a [Key] over the live connection or by dialing
//     the addresses that were learnt for it, and says over which [Path] it went
//     and what was tried in vain
//   - direct connections through NATs, with the help of relays: [Host.Reserve],
//     [Host.LearnCircuits], Config.MayPunch, the part of a relay in it,
//     Config.Circuits, and [reach.Reachability], what is known of how others can reach us
//     (package transport/reach)
//   - a port that the router forwards to it, by UPnP or NAT-PMP (package transport/portmap)
//   - [Addr], [RelayURL]: addresses as text and as bytes, with strict parsers for
//     what comes from others
//   - discovery on the local network by multicast DNS (package transport/lan)
//   - plain QUIC, without libp2p, for a relay that serves other programs and for
//     callers that must not be known: Config.OnPlain and [DialPlain] (package
//     transport/plain)
//
// Where to read: host.go and config.go, what a Host is; book.go, which addresses were
// learnt; dial.go, how a machine is reached, with rank.go and dialerror.go; stream.go,
// path.go, events.go, what there is then; renew.go and leavetcp.go, which connections are made anew; listen.go, reach.go and ports.go, how others reach
// us; plain.go and certificate.go, calls without libp2p. Below it are address and ipspace,
// limits with tally, lan with mdns, reach with outside, punch, circuit and portmap, plain, and the
// record of an endpoint; transporttest is for tests.
//
// What it is not: it knows no messages, no contacts and no stored state, it
// retries nothing, and it has no opinion on when to use a relay.
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
