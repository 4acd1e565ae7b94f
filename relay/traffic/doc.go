// Package traffic bounds how much a relay does at a time and for whom: the calls
// in flight of a caller, of a device, of an address and of all; those that wait
// for mail; and how often a caller or an address may call. It is for package relay,
// and for relay/accounts, to which an address is the same.
//
// It also bounds how much an address leaves here: keys cost nothing, so one caller
// with many of them could fill the disk.
//
// What is over a bound is refused at once with rpc.ErrBusy, before anything was
// done for it: who sends too much costs the others as little as can be.
//
// A call that waits for mail counts for its caller, and otherwise among those that
// wait: it costs memory, no work.
//
// An address is one of IPv4, or a /56 of IPv6, which is what a provider gives to
// one customer (package transport/ipspace). The loopback, and an address that is not
// known, are one address together, and have no rate: all on one machine would share it.
//
// Memory is bounded: what is counted is in flight, and callers that have not
// called for a while are forgotten.
package traffic
