// Command qpc is encrypted chat that goes straight to the other person's
// machine, with relays that keep sealed messages for those who are away.
//
// It is flags, commands and words for people. "up" runs a node; all else talks to the
// node of a home over its local API, and "chat" runs a node of its own where none is.
// The chat and the commands that ask something of a node are in package chat, those
// of who hosts a relay in package relaycmd, the login of a chat in package login, and
// what all have in common in package cli; package words says in words what a node says,
// package terminal reads and writes lines. Names, JSON fields, defaults and exit codes
// are a contract with scripts: fields are added, never renamed.
//
// Invariants: with --json, stdout holds one JSON object a line and nothing else.
// What other people wrote (names, texts, addresses) reaches a terminal only
// through cli.Defuse. A command that needs a daemon creates nothing without one.
package main
