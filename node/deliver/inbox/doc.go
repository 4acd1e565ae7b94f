// Package inbox commits the payloads that come in and has them opened. It is for package
// deliver; what is in a payload is for package convo.
//
// # Invariants
//
//   - No payload is acknowledged before it is committed, and what comes together is one
//     commit.
//   - What is committed is opened in order, in one goroutine.
//   - The table is bounded; of what no key opens yet, the oldest makes room.
package inbox
