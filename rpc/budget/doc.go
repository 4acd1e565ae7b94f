// Package budget bounds the memory of the messages of many connections together.
// It is for package rpc, and for whoever makes a [Budget] for its connections.
//
// A connection has a [Share]; each message that comes in has a [Seat] in it
// while it is read and handled, and each call an [Answer] until its answer is
// written. What finds no room waits, and the connection is not read meanwhile:
// a flood waits, what is small goes on.
//
// It knows no message, only sizes. What handlers keep after they returned is not
// counted.
package budget
