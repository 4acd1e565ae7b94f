// Package circuit is what a relay does for machines behind a NAT, besides keeping
// their mail. It knows no addresses, keys or streams of package transport.
//
// Two machines that both sit behind a NAT cannot dial each other, but they can
// agree, by way of a relay that both are connected to, on the moment at which each
// sends a packet to the other (package punch). For that a relay lends circuits
// (circuit relay v2): a machine reserves, and whoever knows its key may then ask
// for a short pipe to it. And a relay dials a machine back on request, so that the
// machine knows whether its addresses are open to everybody (AutoNAT v2).
//
// What it is not: a way for messages. A pipe carries 32 KiB in each direction and
// ends after half a minute; nodes send chat over none (see transport.Host), and
// what a circuit carries is encrypted end to end between the two machines. The
// relay sees who asked for whom, when, and how many bytes passed.
//
// It is for package transport.
package circuit
