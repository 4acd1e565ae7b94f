// Package inbox commits the payloads that come in and has them opened. It is for package
// deliver; what is in a payload is for package convo.
//
// # Invariants
//
//   - No payload is acknowledged before it is committed, and what comes together is one
//     commit.
//   - What is committed is opened in one goroutine: mail in order, what came directly in
//     order, and some of each by turns.
//   - The table is bounded, and how much of it is mail that is not opened yet: a relay
//     that pours out rubbish delays nothing that comes otherwise. Of what no key opens
//     yet, the oldest makes room.
package inbox
