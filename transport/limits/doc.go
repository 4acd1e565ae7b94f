// Package limits sets libp2p's resource manager for a node or a relay. It is for
// package transport. Plain QUIC has limits of its own: package transport/plain.
package limits
