// Package transporttest is a simulated network for tests of anything that has a
// [transport.Host]: real libp2p hosts and real QUIC, but packets go through
// memory with a set delay and can be cut off. Inside a testing/synctest bubble
// all of it runs in virtual time, without sleeps and without ports.
//
// It is not used by programs. It is for the tests of transport, relay, node and
// integration.
package transporttest
