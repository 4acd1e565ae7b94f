// Package rpc is NodeService as Go: a server, a client, the identity of a
// caller, and the codes of errors.
//
// It alone knows Cap'n Proto. It knows nothing of libp2p, of stores, or of what
// a payload means: it runs over any stream of bytes, and its two ends are
// symmetric, so that one stream between two nodes carries the calls of both.
package rpc
