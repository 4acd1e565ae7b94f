// Package accounts is what a node does at relays as a user: it registers, logs in
// and out, changes a password, deletes an account, and looks names up. It is for
// package node/front.
//
// It keeps accounts and session tokens in the node's store, and tells delivery of a
// new token at once. It never sees a password: it carries the messages of OPAQUE, which
// are made where the password is typed (package node/accounts/proof).
//
// A name that a relay tells is the relay's claim and proves nothing: whoever gets
// one from here must show it as that.
package accounts
