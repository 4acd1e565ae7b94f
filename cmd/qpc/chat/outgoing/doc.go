// Package outgoing follows how far the own messages of a chat come, and says in a line what
// there is to tell of each.
//
// It is for package chat, which shows the lines. A state that is only on the way to a
// better one is not told, and no line is told twice.
package outgoing
