// Package flow bounds what is in flight on one connection: the calls of this side, which
// wait for their turn, and those of the other side, which are turned down. It is for
// package rpc.
package flow
