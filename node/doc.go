// Package node is the daemon: it makes the parts of a node, connects them, and
// runs them until it is told to stop.
//
// Only wiring and life cycle are here. It is for cmd/qpc. What happens to a
// message is decided below:
//
//   - node/localapi takes a text from a command and tells what became of it, and
//     node/front answers it, with the words in which a request is refused;
//   - node/convo makes it a message of a conversation, encrypts and seals it, and
//     stores all of that at once; it also opens what arrives;
//   - node/known is whom we know and who asks to be known, node/trust what the user
//     decides about people, node/nearby who is on the LAN;
//   - node/group is conversations of any number; below it, node/cards and node/epochs
//     say which epochs there are and which is the head, node/plan what is committed
//     next, node/audience who has a message, node/talk what members ask each other, and
//     node/charter what MLS says of the group;
//   - node/timeline says what reactions, edits, deletions and timers make of messages;
//   - node/deliver carries sealed payloads out and in, and node/tries keeps what was
//     tried;
//   - node/accounts is what the node does at relays as a user;
//   - node/serve answers other machines;
//   - node/backup writes the store to one encrypted file, and makes a home of it;
//   - node/afresh makes a store that is a copy of another fit for use;
//   - node/store is the disk, node/keys the keys that others need first,
//     node/profile what this node says of itself, node/contact and node/message
//     the formats, node/identity the one key.
package node
