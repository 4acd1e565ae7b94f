// Package limits sets libp2p's resource manager for a node or a relay, and adds what
// that lacks: a bound for handshakes over QUIC, of libp2p or not (Handshakes), a share of
// the memory for each address over TCP (Limits.Muxer), and a word to the log about those
// that prove no key there (Doorway). It is for package transport. Once its handshake is
// over, plain QUIC has limits of its own: package transport/plain.
package limits
