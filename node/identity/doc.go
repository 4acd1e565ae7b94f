// Package identity is the one key of a node: an Ed25519 key that is at once the
// name of the person, the MLS signature key and, today, the libp2p host key.
//
// It is the only place where that key signs. A signature is made in one of three
// ways, and no byte string can be signed in two of them:
//
//   - [Identity.Sign], for the formats of this project: Ed25519 over a domain
//     and the message. The domain is one of [Domains], which are prefix-free.
//   - [Signer.Sign], for MLS: Ed25519 over a SignContent whose label begins
//     with "MLS 1.0 " (RFC 9420, §5.1.2). Anything else is refused.
//   - libp2p, through [Identity.HostKey]: over contexts of its own.
//
// It is for package node and those below it that sign or check signatures. The
// package does no I/O: a seed is kept by package node/store. Its secret
// types log as "[redacted]".
package identity
