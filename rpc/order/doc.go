// Package order makes the handlers of a connection start in the order of its calls.
// It is for package rpc, which has a [Queue] for each connection, and for those who
// take payloads, who call [Placed].
//
// Invariant: nobody waits for longer than [Grace] for the one before.
package order
