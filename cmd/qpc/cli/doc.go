// Package cli is what the commands of qpc have in common: where the home is, how a
// result or an error is written, how arguments are counted and passwords asked for,
// and how a service runs until it is told to stop.
//
// It knows no command. With JSON set, stdout gets one JSON object a line and nothing
// else, and what other people wrote (names, texts, addresses) reaches a terminal only
// through Defuse.
package cli
