// Package tally says in a log what others can bring about as often as they like: at once
// when it happens, and after that with how often, once a minute at most, so that nobody
// fills the log. It knows no log and writes nothing itself.
//
// Invariant: each time is told once, in one of the counts.
//
// It is for package transport, and for relay/metrics.
package tally
