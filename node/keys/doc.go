// Package keys makes, keeps and erases the keys that others need to write to
// this node first: hybrid keys that payloads are sealed to, and MLS key
// packages.
//
// It is for node/convo, which seals to others' keys and opens with ours,
// node/deliver, which places ours at relays, and node/serve, which hands them out.
//
// Invariants: a hybrid key is replaced after seven days and its private half
// erased fourteen days later; a key package is stored before it is handed out,
// belongs to one place (one relay, or this node itself), and leaves one place
// only once, except the last-resort one. Every package says that its owner has both
// suites of groups; two of three, and that of last resort, are post-quantum.
package keys
