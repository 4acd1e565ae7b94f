// Package openapi writes down an HTTP API as an OpenAPI document, out of the table that
// it is served from: the calls, and the Go types that travel.
//
// It is for package localapi. It knows as much of OpenAPI and of Go's types as the local
// API has, and no more.
package openapi
