// Package schema is the wire contract of NodeService: node.capnp, and the Go
// code generated from it.
//
// It holds no logic. Only package rpc (and tests in integration) use it; the
// rest of the program speaks Go types of package rpc.
//
// node.capnp.request is the compiled form of node.capnp (a Cap'n Proto
// CodeGeneratorRequest), so that the Go code can be made again with Go alone:
//
//	go generate ./schema
//
// After a change of node.capnp, make the request anew with the Cap'n Proto
// compiler, from this folder, STD being the folder std of the Go module
// capnproto.org/go/capnp/v3:
//
//	capnp compile -I $STD -o- node.capnp > node.capnp.request
package schema

//go:generate sh -c "go tool capnpc-go < node.capnp.request"
