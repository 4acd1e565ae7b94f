// Package tried says what became of dialling a machine: of each address, and of punching by
// each relay, one line for people, and of all together what tells most.
//
// It is for package transport, which has its types under their names there. What comes of a
// machine that answers is for those who call it.
//
// Invariant: a line is short and safe to print, though part of it may come from a peer.
package tried
