// Package convo is conversations: who they are with, which MLS group carries them, what
// was said, and what of it is still owed to whom.
//
// It turns a typed text into a sealed payload and a received payload into what is shown.
// It does no network I/O: package deliver carries payloads both ways. Each change is one
// transaction of the local store, and what it changed is told to Config.Notify after the
// commit, never before (package news).
//
// # One conversation, several groups
//
// A conversation of two is named by their two identities (package pair). Its MLS group
// carries both identities and a counter in a GroupContext extension. Both may start a
// group at once; every live group takes messages, and all nodes choose the same one to
// send in: the highest counter, then the smaller creator, then the smaller group id. The
// others only receive, for seven days. Messages without a receipt are encrypted again in
// the chosen group, under the same message id and counter, so they are shown once.
//
// A group that turns out to be of no use is left: the Welcome had no effect, or too many
// messages in it were lost. The conversation then has groups but none to send in, until
// delivery brings a key package for a new one.
//
// Conversations of any number are of package group, which gets what comes in about them,
// in the same transaction, through the interface Groups. How their members come to one
// epoch without a server is said there and in node/epochs, with what can still go wrong;
// integration/headmodel checks the rule.
//
// Whom we know, and who asks to be known, is of package known: an Engine has its People.
//
// # Where to read
//
// engine.go: the Engine and its epochs; pair.go: the groups of a conversation, start.go: a
// new one; send.go, receive.go: a message out and in; progress.go, receipt.go, read.go: what
// became of it; control.go, request.go: what people say beside messages; groups.go: the
// door to package group; upkeep.go, expire.go, index.go: what time brings. held keeps epochs.
//
// # Invariants
//
//   - The ratchet step, the message and its outbox row are one commit, which is durable
//     before it is told.
//   - A received payload is decrypted, applied and marked processed in one commit, which
//     does not wait for the disk: after a power cut the payload is in the inbox again.
//     What no key opens yet waits, and blocks nothing.
//   - Messages are unique by (conversation, author, message id). The same id with another
//     body is kept out. What reactions, edits, deletions and timers make of them is of
//     package timeline.
//   - Each message that is kept gets a delivery receipt, also a reaction, an edit or a
//     deletion: without it nothing would bring one again that was lost. What was read is
//     said of entries alone. Receipts go to the author alone, many in one.
//   - No proposal of MLS is taken that travels alone, so that none has ever to be
//     committed before a message is sent (RFC 9420, §12.4).
//   - Of who asks to be a contact one introduction, one Welcome and one short text are
//     taken.
//   - Nothing is taken of who is blocked, but for what a group needs of each member.
//   - The order shown is (Lamport, author, author's counter), all of which the MLS
//     signature covers.
package convo
