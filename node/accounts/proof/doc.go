// Package proof proves a password to a relay where it was typed: it makes the
// messages of OPAQUE (RFC 9807, package rpc/account), which the node carries. It is
// for commands and for tests.
//
// So no password crosses the socket of a node, and none is ever in the memory of a
// daemon: the library for OPAQUE copies it in places that nobody can wipe, and these
// end with the command.
package proof
