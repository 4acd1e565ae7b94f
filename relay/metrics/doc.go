// Package metrics counts what a relay does, for the operator's Prometheus, and
// serves that with the answers to "is it alive" and "does it take calls". It is for
// package relay/admin.
//
// Invariants: no identity, name or address of anybody is a label or a value; the
// number of time series does not depend on what others do. It is served on loopback
// unless the operator says otherwise in so many words.
package metrics
