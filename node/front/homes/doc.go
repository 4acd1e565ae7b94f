// Package homes is what front ends ask of the home relays of a node and of its accounts
// there: which they are, to log in and out, and what went wrong in words for people. It is
// for packages front and node.
//
// How an account is made, kept and renewed is package accounts; how mail comes from a
// relay is deliver.
package homes
