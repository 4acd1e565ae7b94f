// Package limits sets libp2p's resource manager for a node or a relay, and adds what
// that lacks: a share of the memory for each address over TCP (Limits.Muxer), and a word
// to the log about those that prove no key there (Doorway). It is for package
// transport. Plain QUIC has limits of its own: package transport/plain.
package limits
