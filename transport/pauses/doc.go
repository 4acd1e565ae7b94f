// Package pauses says when a machine that is reached over TCP is asked over QUIC again: when
// the connection is 15 s old, then ever more rarely, up to every ten minutes. It knows no
// connections and dials nobody. It is for package transport.
package pauses
