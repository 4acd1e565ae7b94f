// Package relay is the mailbox server that anyone can host: it answers
// NodeService for those who are away. It is for the command that runs a relay.
//
// A relay keeps sealed payloads, key packages, hybrid keys and endpoint records
// until their owners or their contacts come for them. It opens no payload and
// knows nothing of groups; it does not forward to other relays: senders come to
// the relay of the recipient.
//
// It is called over libp2p, where TLS proves the caller's key, and on the same
// port over plain QUIC (package transport/plain), where it proves nothing: there a
// caller without a session token or a deposit pass gets health and the OPAQUE calls.
//
// Invariants:
//   - What was acknowledged is on the disk (package relay/store).
//   - Only the owner of a key reads and empties its inbox, uploads its key
//     packages and hybrid key, and publishes its endpoint; everybody else who
//     proved an identity, or has a session, may deposit and look up.
//   - Unless access is open, owning takes a session of an account that the key is
//     bound to, and deposits are taken for those who have one.
//   - On a channel only its two members write, to each other.
//   - With Config.AllowSealedSender a pass of the recipient (package rpc/pass) does
//     for a deposit, and for the look-ups that it takes. It is signed by the
//     recipient, for this relay, not over, and not of a generation that the
//     recipient's endpoints have cancelled. Such a call is counted by its address,
//     and nothing that is kept, logged or held in memory says who made it.
//   - A single-use key package is handed out once.
//   - Whatever is asked of it, its memory and its disk stay bounded; what is over
//     a bound is refused with a code.
//
// Package relay/accounts knows the users, relay/store keeps what must not be lost.
package relay
