// Package point says which 32 bytes are a key with which a signature proves something:
// the canonical encoding of a point of Ed25519 that is not of small order. It is for
// package rpc, which names people by their keys.
package point
