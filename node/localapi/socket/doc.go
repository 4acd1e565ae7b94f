// Package socket is the unix socket of a home: where it is, that only its user can open
// it, and that a home whose path is too long for one has one all the same.
//
// It is for package localapi, and for commands that name the socket. It knows nothing of
// what is said over it.
//
// Invariants: a socket is 0600 from the first moment under its name, in a directory
// that only this user can open. One that somebody answers is never removed. Who dials
// creates nothing when nobody is there.
package socket
