// Package recent keeps the end of the log of a node in memory, for `qpc logs` and for those
// who did not look at it in time: the last 1,000 lines of level info and above, of each no
// more than 2,000 bytes.
//
// It is for package node.
package recent
