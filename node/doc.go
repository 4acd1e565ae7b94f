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
//   - node/recent keeps the end of the log;
//   - node/store is the disk, node/keys the keys that others need first,
//     node/profile what this node says of itself, node/contact and node/message
//     the formats, node/identity the one key.
//
// # Where each step of the life of a message is
//
//   - Typed: cmd/qpc/chat/lines.go, or a command. node/localapi/client.go brings it over
//     the socket to node/localapi/handlers.go, and node/front/messages.go finds whom it is
//     for.
//   - Stored, encrypted, sealed and queued, in one commit: node/convo/send.go, for a group
//     node/audience/messages.go. It is encoded by node/message/message.go, encrypted by
//     mls/application.go, framed by node/message/frame.go, padded and sealed by mls/seal;
//     the rows are those of node/store/message.go, node/store/epoch.go (the ratchet) and
//     node/store/outbox.go. Without the keys it is only stored, and what is to be sealed to
//     somebody's hybrid key not sealed yet: node/convo/start.go does the rest when
//     node/deliver/worker.go has brought the keys.
//   - Sent: node/deliver/worker.go takes it from the outbox, node/deliver/race brings it
//     to the other machine or to a relay, and node/convo/progress.go notes who took it. The
//     call is made in rpc/client_mailbox.go, on a stream of node/deliver/links, for which
//     transport/dial.go dials the addresses that node/deliver/endpoint.go has learnt; to a
//     relay that is not told who calls, node/deliver/sealed.go. What nobody took, or nobody
//     receipted, is sent again by node/deliver/worker.go and made anew by
//     node/convo/upkeep.go.
//   - Taken: the call comes through rpc/gate and rpc/server_mailbox.go; by the other node in
//     node/serve/service.go and node/deliver/inbox, which commits it; by a relay in
//     relay/mailbox.go and relay/store/deposit.go. relay/waiters.go wakes the call that
//     waits for mail.
//   - Fetched: node/deliver/visit.go; when node/deliver/inbox has committed it, the relay
//     is told to delete it (relay/store/inbox.go).
//   - Opened, decrypted, stored, and a receipt owed for it, in one commit:
//     node/convo/receive.go, with node/keys and mls/seal for the seal and mls for the
//     ratchet. node/timeline says what it is in its conversation. A commit or another
//     message about a group itself goes to node/group/follow.go and node/talk.
//   - Shown: node/convo/news keeps the event in that commit, node/front/events.go shows it,
//     node/localapi/feed hands it out, and cmd/qpc/chat/show.go draws it.
//   - Receipted: node/deliver/worker.go asks node/convo/receipt.go for what is owed, which
//     also takes the receipt that comes back, and deletes the row of the outbox. That it was
//     read: node/convo/read.go.
//   - Erased: by hand, by its author or by its time node/timeline; the clock for that is
//     node/convo/expire.go. What nobody fetches goes after 7 days from the relay
//     (relay/store/sweep.go); what nobody receipts is given up after 30
//     (node/convo/upkeep.go).
package node
