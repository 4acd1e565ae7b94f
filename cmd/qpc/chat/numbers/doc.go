// Package numbers gives the messages of a chat the numbers by which a person names them.
//
// It is for package chat. A number is never given to another message, and the oldest are
// forgotten.
package numbers
