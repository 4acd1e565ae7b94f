// Package address has what machines are found by: the [Key] that one proves, the
// [Addr] that it is dialled at, and the [RelayURL] of a relay, with strict parsers
// for what comes from others. It opens no sockets. Package transport gives all of it
// the same names again; packages below transport use it from here.
//
// Invariants:
//
//   - what a parser returns is in canonical form: equal values have equal text
//   - bytes from outside are bounded before they are parsed, and never panic
package address
