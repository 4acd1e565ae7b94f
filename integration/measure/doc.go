// Command measure times the hot paths of the real program on this machine and
// prints them beside what bounds them, measured in the same run: the round trip
// of a bare QUIC stream and the time the disk takes to sync.
//
//	go run ./integration/measure
//	go run ./integration/measure -groups
//	go run ./integration/measure -members 484
//	go run ./integration/measure -large [-large.messages 1000000]
//
// The first builds the program, runs its processes in a temporary folder, talks only
// over loopback and ends by itself in about a minute. The second makes groups of 2, 10
// and 100 real nodes in one process, over loopback, and takes about three minutes. The
// third makes a group of 16 real nodes, in one process, and that many members that have
// uploaded keys to a relay and were not seen again. The
// fourth writes a home of 1,000 conversations with that many messages, which takes
// longest, and then starts a node on it again and again. Figures of one machine say
// little; the ratios are what to compare.
package main
