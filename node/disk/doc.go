// Package disk puts into words that a folder cannot be written: its disk is full, or
// read-only, or it is not this user's. It is for who meets such an error on behalf of
// people: packages node and node/front, and the commands.
//
// It finds out nothing by itself: the error says what happened, and it, or its caller,
// where.
package disk
