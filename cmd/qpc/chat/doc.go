// Package chat is what people ask of a node: the chat, where they type and read,
// and the commands that ask the same things one at a time. Both come from one table
// of verbs.
//
// It is for command qpc. It draws, asks and completes; what is true it learns from
// the node by its local API alone (package localapi).
//
// Invariants: nothing that comes in tears the line that is being typed. A line
// without a slash goes to whom the prompt names and to nobody else. What others wrote
// reaches a terminal through cli.Defuse only.
package chat

import "quicnprotochat/cmd/qpc/cli"

// Commands makes the commands that ask something of a node.
type Commands struct{ *cli.App }

// New returns the commands of one run of the program.
func New(a *cli.App) *Commands { return &Commands{a} }
