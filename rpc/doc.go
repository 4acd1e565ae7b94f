// Package rpc is NodeService as Go: a server, a client, the identity of a
// caller, and the codes of errors.
//
// It alone knows Cap'n Proto. It knows nothing of libp2p, of stores, or of what
// a payload means: it runs over any stream of bytes, and its two ends are
// symmetric, so that one stream between two nodes carries the calls of both. A
// relay and a node implement the interfaces of Service; whoever calls them uses
// Client, and cannot tell one from the other. Accounts
// (OPAQUE) are carried as bytes here; package rpc/account makes and reads them.
//
// # What it guarantees
//
// A handler is called with arguments that were checked (sizes, versions, valid keys,
// package rpc/point) by a caller that was checked (Caller): whatever else is allowed to
// whom is up to the handler. It may keep the slices that it is given.
//
// Handlers run at the same time, each in a goroutine, and one that waits holds
// up no other. Those of enqueue and batchEnqueue start in the order of the
// calls; see package rpc/order. A panic in a handler is logged and answered with
// ErrInternal. Errors cross as *Error; any other error of a handler crosses as
// ErrInternal without its text.
//
// What the other side can make us hold is bounded, on each connection: a message by
// MaxMessage, and it takes memory only as its bytes arrive; calls in flight by
// MaxInFlight, counted until their answers are written, and their arguments by four times
// MaxMessage (package rpc/flow); answers that are not read by not reading on, and then by
// ending the connection when nothing moves for a minute; calls that it never finishes, or
// never answers, by a count. Bytes that break the protocol end the connection. Err and
// the log say why one ended. Connections that share a Budget (package rpc/budget) are
// bounded together as well.
//
// # To add a method
//
// It goes behind the last ordinal of schema/node.capnp, into the table of
// method.go, into an interface of Service (service.go), and gets a side that
// reads its arguments (server_*.go) and one that makes the call (client_*.go).
// Package relay and node/serve then answer it, or answer ErrNotOffered.
//
// # How
//
// The RPC protocol itself is capnproto.org/go/capnp/v3/rpc, in a version that
// trusts its other side: it has no bounds, and messages that are incomplete or
// out of turn can crash it. Package rpc/gate stands below it and lets through only
// complete messages that NodeService has a use for, in an order that is possible.
// The server above it replaces the library's own, which queues without a bound.
//
// # What it is not
//
// It limits what one connection costs. How many connections there are, how
// often somebody calls, and what they may store are limits of transport and of
// the services.
package rpc
