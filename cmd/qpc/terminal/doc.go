// Package terminal is where lines come from and text goes to, for a chat: a line of
// input below a scrolling text for a person at a terminal, lines of stdin for a
// program, single questions, and QR codes.
//
// It knows no command and no node.
//
// Invariants: nothing that is written tears the line that is being typed. Nothing is
// lost that was typed before somebody took it, within a bound. What it is given to
// write went through cli.Defuse.
package terminal
