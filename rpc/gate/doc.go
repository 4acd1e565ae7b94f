// Package gate is what stands between a stream and the RPC library of Cap'n
// Proto, which trusts its other side: [Gate] frames messages, lets through only
// the part of the protocol that NodeService needs, in an order that is possible,
// and counts what each side owes the other. It is for package rpc alone.
//
// It knows no method and no caller. Invariants:
//
//   - a message takes memory only as its bytes arrive, and not more than
//     Config.MaxMessage
//   - what passes is complete: bootstrap, call, return, finish, release; and no
//     capability but the bootstrap one
//   - calls that are not finished, answers that are not read, and questions that
//     are never answered are bounded; the first error ends the connection and is
//     kept as its reason
//   - word that an answer was read waits for a message that it can leave with, a few
//     at most; that a call was given up never waits
//
// Its tests, which break each of these rules by hand, are in package rpc.
package gate
