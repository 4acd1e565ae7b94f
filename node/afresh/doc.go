// Package afresh makes a store that is a copy of another one fit for use: a backup
// before it is restored, and a home that turns out to be older than what its identity
// has done since. It is for packages backup and node.
//
// What must hold: no secret and no counter that the other home may have used is used
// again. Keys of MLS epochs and key packages go; counters leap; the node comes back to
// its groups from outside (RFC 9420, section 12.4.3.2) and begins its pairs anew. The
// hybrid key goes on opening what is on its way and is replaced at once. The address key
// and the passes stay, so that links that people have are good still, unless an endpoint
// says that the other home has cancelled them: package profile finds out.
package afresh
