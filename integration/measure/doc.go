// Command measure times the hot paths of the real program on this machine and
// prints them beside what bounds them, measured in the same run: the round trip
// of a bare QUIC stream and the time the disk takes to sync.
//
//	go run ./integration/measure
//	go run ./integration/measure -groups
//
// The second form makes groups of 2, 10 and 100 real nodes in one process, over
// loopback, and takes about three minutes. The first builds the program, runs its processes in a temporary folder, talks only
// over loopback and ends by itself in about a minute. Figures of one machine say
// little; the ratios are what to compare.
package main
