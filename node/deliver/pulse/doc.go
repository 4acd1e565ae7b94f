// Package pulse judges from what was sent and answered whether a connection to another
// machine is alive, and when to ask it. It sends nothing itself. It is for package
// deliver.
//
// # Invariants
//
//   - Who sends knows within 3 s that nobody answers, longer only for what takes long
//     on a slow line, and where packets themselves take longer than a second. For two minutes after a message it is known within 15 s.
//   - A quiet connection is not asked: it is left to the transport.
package pulse
