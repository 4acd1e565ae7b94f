// Package links keeps the streams of NodeService to other machines, peers and relays. It
// is for package deliver, which says how a machine is reached and what is answered.
//
// A Link is one such stream, over which both sides call. Links opens at most one to each
// machine; the other side may have opened one as well, and the newest is used. One dial
// serves all who wait for it.
//
// A link over which something goes and nothing is answered is asked whether it is alive,
// and given up when it is not (Wire; package node/deliver/pulse). One that ends because its
// connection is to be made anew is opened again at once, and one that nobody used for a day
// rests until there is something to say. Which machines could not be reached a short while
// ago is remembered, until something changes: to wait for those is of no use.
package links
