// Package localapi is the door of a node for the programs of the person who
// runs it: HTTP/JSON under /v1 and server-sent events, on a unix socket that
// only they can open (0600 in a 0700 directory).
//
// It holds both sides: Server, which node runs, and Client, which cmd uses for
// everything. What the server serves is declared here as a few small interfaces
// (Self, Contacts, Messages, Relays, Accounts, Events) that node implements; Feed is a
// ready Events. The package decides nothing: it bounds and checks what comes in,
// calls one method and writes down its answer.
//
// Invariants: the JSON names are those of the command line and are never
// renamed. An error is an *Error on both sides of the socket, with the exit code
// of the command that meets it. Every body, header, wait and number of listeners
// is bounded. A socket of a living daemon is never removed, and a client creates
// nothing when no daemon is there.
package localapi
