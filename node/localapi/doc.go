// Package localapi is the door of a node for the programs of the person who
// runs it: HTTP/JSON under /v1 and server-sent events, on a unix socket that
// only they can open (0600 in a 0700 directory).
//
// It holds both sides: Server, which node runs, and Client, which cmd uses for
// everything. What the server serves is declared here as small interfaces, each beside
// its types (Self, Contacts, Messages, Relays and Events in backend.go), that node/front
// implements; package feed has a ready Events. The package decides nothing: it bounds and
// checks what comes in, calls one method and writes down its answer. The socket itself is
// of package socket, the description of package openapi.
//
// Events are kept in a log, with ids that grow: who names the last id that it saw in
// the header Last-Event-ID gets all later ones once and in order, across a broken
// connection and a restart of the node, or an event "missed" if some are kept no
// longer. The stream may end at any time, and then one comes back. Without an id it
// begins with what is to come. At its very beginning is an id without an event, to come
// back with if nothing else came. examples/echo.py is a bot that uses it.
//
// Invariants: the JSON names are those of the command line and are never
// renamed. An error is an *Error on both sides of the socket, with the exit code
// of the command that meets it. Every body, header, wait and number of listeners
// is bounded. A socket of a living daemon is never removed, and a client creates
// nothing when no daemon is there.
package localapi
