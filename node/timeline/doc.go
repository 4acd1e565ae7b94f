// Package timeline is what was said in a conversation, as it is shown: which messages
// are entries, and what others have made of them: reactions, edits, deletions, that
// they were read, and when they disappear. It is for node/convo,
// which brings messages, and for node/front, which shows them.
//
// It decrypts, sends and tells nothing; each function works in the caller's
// transaction of the store, and reads no clock.
//
// # Entries and marks
//
// An entry is a message that is shown by itself: chat, reply, file, timer, and what is
// of a type that this program does not know. A mark is about another message: a
// reaction, an edit, a deletion. All are rows of the table messages; an entry is never
// rewritten, so that it can be encrypted again as it was: what it looks like is made
// of it and its marks ([Look]).
//
// # Invariants
//
//   - A message is an entry once, whatever came how often: a second one of its
//     author and id changes nothing, and is an error if it says something else.
//   - Only its author edits or deletes a message. Of an author's edits of a
//     message, and of its reactions to it, the one with the highest counter counts
//     and is the only one kept.
//   - Marks come in any order with what they are about. One that comes early waits,
//     at most 256 of an author in a conversation. A message that comes after its
//     deletion is never shown.
//   - What is erased is overwritten, and its edits and the reactions to it with it.
//     The row stays, without text and without a hash of it, until nobody sends the
//     message again.
//   - How long a message stays is what the last timer before it says, in the order
//     shown, whichever of them came first. The time runs from when the user was
//     shown the message, for own ones from when they were written; what nobody looks
//     at goes a week after its time.
package timeline
