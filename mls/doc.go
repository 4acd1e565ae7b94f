// Package mls is Messaging Layer Security, RFC 9420: group keys for any number
// of members, without a server that has to be trusted.
//
// It does no I/O, reads no clock and starts no goroutine that outlives a call.
// State goes to the caller as small keyed Records.
package mls
