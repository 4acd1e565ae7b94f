// Package endpoint is the signed record that says where an identity can be
// reached for the time being: its home relays for everybody, its addresses for
// who has its address key. Nodes make and read records, relays keep them.
//
// A record is bounded before it is parsed, and what [Parse] returned was signed by
// the identity asked for and has not expired. Which of two records is newer, and
// which of its addresses may be dialled, is for the caller.
package endpoint
