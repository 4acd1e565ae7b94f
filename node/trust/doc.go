// Package trust is what the user decides about people: that an identity was
// compared and is the right one, that nothing of somebody is taken any more, and what
// to do when a relay names another identity for a user name than before. It is for
// node/front, which brings the decisions; node/convo and node/deliver act by them.
//
// A safety number is 60 digits that two people compare by voice, or scan from each
// other's screen: 12 groups of 5, each of 5 bytes of SHA-512, taken 5,200 times, of the
// domain "qpc safety number v1" and both identities, the smaller one first; as a QR code
// the same digits stand behind "qpc-safety:". An identity is one key, so the number
// of two people never changes.
//
// Invariants: verified is said of an identity, and nothing but the user takes it back.
// To whom a relay names another identity nothing is sent until the user has chosen.
// Who is blocked has no use of the passes, links and addresses that it was given: all
// were cancelled, and others got new ones.
package trust
