// Package accounts is the part of a relay that knows its users: OPAQUE
// registration and login, sessions, invites, and the directory of names. It is for
// package relay, and for the command that makes invites.
//
// Invariants:
//   - An identity is bound to an account by proof only: over libp2p the key that TLS
//     proved is the one that is named, elsewhere the upload is signed by it (package
//     rpc/account). It is bound to one account at most. Who merely names somebody
//     else's key gets an account without one, which owns nothing, and which the
//     directory does not show.
//   - An unknown name, a wrong password and a wrong identity are told apart neither
//     by the answer nor by its time.
//   - Guesses are limited, by name and by address; who proves the key of an account
//     has attempts of its own, so that nobody can lock it out.
//   - A session token is 32 random bytes of which the store has the hash. It expires
//     30 days after it was last used, and ends with the password.
//   - What it remembers in memory is bounded; over a bound it refuses.
//
// # Names
//
// A name has 3 to 32 letters, digits, '_', '-' and '.', in NFC, and its letters are
// not of several of the scripts that look alike. Names are compared, and shown, without
// case.
// The store keeps an account under the hash of its name's skeleton, in the manner of
// Unicode's UTS #39 with a small table of our own, so a name that looks like a taken
// one is taken.
package accounts
