// Package nearby learns what the people whose machines are heard on the LAN call
// themselves. What a machine announces there has no name, so each is asked once, over a
// connection on which it proves its key.
//
// A name is the word of that machine, of nobody else, and shown as that. Who is to be
// hidden on the LAN must not ask either: asking says who one is.
//
// Invariants: not more than so many machines are asked at a time, one that does not
// answer not again for a while, and of not more than 256 is the name kept: anybody on
// the LAN can announce any number.
package nearby
