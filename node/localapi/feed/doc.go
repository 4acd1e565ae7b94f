// Package feed hands what happened in a node to all who listen, out of the log where
// it is kept.
//
// It is what the local API serves as its events. It decides nothing about them.
//
// Invariants: who names the last id that it saw gets all later events, once and in
// order, or one that says that some were missed. Whoever is too slow is cut off and
// comes back, so that nobody waits for anybody.
package feed
