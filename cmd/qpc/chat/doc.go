// Package chat is what people ask of a node: the chat, where they type and read,
// and the commands that ask the same things one at a time. Both come from one table
// of verbs.
//
// It is for command qpc. It draws, asks and completes; what is true it learns from
// the node by its local API alone (package localapi).
//
// chat.go is the chat, verbs.go its table, verb.go what is made of that, lines.go what is
// typed and show.go what comes in. Packages numbers, outgoing, transcript and usage are below.
//
// Invariants: nothing that comes in tears the line that is being typed. A line
// without a slash goes to whom the prompt names and to nobody else. What others wrote
// reaches a terminal through cli.Defuse only.
package chat
