// Package keys makes, keeps and erases the keys that others need to write to
// this node first: hybrid keys that payloads are sealed to, and MLS key
// packages.
//
// Invariants: a hybrid key is replaced after seven days and its private half
// erased fourteen days later; a key package is stored before it is handed out,
// belongs to one place (one relay, or this node itself), and leaves one place
// only once, except the last-resort one.
package keys
