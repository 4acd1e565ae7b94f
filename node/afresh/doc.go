// Package afresh makes a store that is a copy of another one fit for use: a backup
// before it is restored, and a home that turns out to be older than what its identity
// has done since. It is for packages backup and node.
//
// What must hold: no secret and no counter that the other home may have used is used
// again. Keys of MLS epochs and key packages go; counters leap; the node comes back to
// its groups from outside (RFC 9420, section 12.4.3.2) and begins its pairs anew.
package afresh
