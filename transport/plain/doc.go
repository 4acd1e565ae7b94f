// Package plain is QUIC without libp2p: TLS 1.3, ALPN "capnp", no client
// certificate, no 0-RTT, and NodeService on each bidirectional stream, so that a
// program in any language can be a client of a relay. It is for package
// transport, which gives it sockets and the relay's key.
//
// [Server] serves connections that a listener accepted; [Dialer] makes one
// connection for one stream.
//
// Invariants:
//
//   - whoever connects has proved nothing, and the server limits it by its network
//     address: connections, handshakes, streams, new connections in a second, and
//     how long anything may be idle. Connections that say nothing are kept as long as
//     they are few
//   - each stream is read to its end or cancelled, so that none holds its place
//     for ever
//   - the certificate is always the same for one key. It carries libp2p's TLS
//     extension, signed by that key: who knows the key pins it by the extension,
//     everybody else by the certificate's SHA-256
//   - a dialled connection proved the key that was asked for, comes from a fresh
//     socket, and says nothing of who dials
package plain
