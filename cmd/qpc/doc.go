// Command qpc is encrypted chat that goes straight to the other person's
// machine, with relays that keep sealed messages for those who are away.
//
// It is flags, commands and words for people. "up" runs a node and "relay run"
// a relay; all else talks to the node of a home over its local API, and "chat"
// runs a node of its own where none is. Names, JSON fields, defaults and exit
// codes are a contract with scripts: fields are added, never renamed.
//
// Invariants: with --json, stdout holds one JSON object a line and nothing else.
// What other people wrote (names, texts, addresses) reaches a terminal only
// through defuse. A command that needs a daemon creates nothing without one.
package main
