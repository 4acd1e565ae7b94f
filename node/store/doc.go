// Package store keeps the node's state in one encrypted SQLite file: contacts,
// conversations, messages, MLS state, keys, outbox and inbox.
//
// It is for the packages below node; nothing outside node imports it. It is a
// place to keep bytes and their order, and knows as little as possible of what
// they mean: it parses no card, frame or MLS object, sends nothing, and starts
// no goroutine. It alone knows SQLite.
//
// # Files of a home
//
// The home directory (0700) holds, each with mode 0600:
//
//   - lock: held by flock while a Store is open. One process at a time.
//   - node.key: the database key, 32 random bytes.
//   - node.db, with -wal and -shm beside it while open: the database.
//   - node.db.new: a database that is being made. Creation is: make this file,
//     write node.key, fill it, rename it to node.db. So a first start that was
//     cut short is told apart from a key or a database that was lost.
//   - unclean: there from Open to Close. An Open that finds it runs a
//     quick_check first.
//
// # Invariants
//
//   - When Update returns nil, all it did is durable: write-ahead log,
//     synchronous=FULL. When its function returns an error or panics, or the
//     commit fails, none of it is there.
//   - View sees one snapshot and is never blocked by a writer.
//   - Nothing is on disk in clear: database, log and journals are encrypted
//     under the random key (cipher.go), and temporary data stays in memory.
//     Only the sizes of files and which parts of them change can be seen.
//     Encryption keeps lengths, so it does not prove that a page is ours; the
//     checksum inside each page finds what was damaged.
//   - Deleted content is overwritten (secure_delete) in the database. Older
//     pages remain, encrypted, in the log until it is reused or the Store is
//     closed.
//   - No slice that a method returns belongs to SQLite; no slice that a method
//     is given is kept.
//   - Times are kept in whole milliseconds; the zero time is kept as such.
//
// What the file system cannot tell is not found out: when, after a crash, the
// end of the write-ahead log is damaged, SQLite takes it for an unfinished
// commit, and the store opens in the state before it. An old copy of the whole
// home put back looks the same as that home; nothing notices it yet.
//
// # Tables and indexes
//
// They are in schema.go, as a list of migrations: append one, and never edit one
// that was released. TestPlans calls every method and refuses a statement that
// goes through a table that can be large, so a missing index is found.
//
// # Bounds
//
// The store enforces none of the counts; callers look at the Count methods in
// the transaction in which they add a row. What keeps each table small:
//
//	meta            the fixed set of keys that callers use
//	contacts        CountContacts; DeleteContact
//	relays          CountRelays; DeleteRelay
//	endpoints       one per contact; DropEndpoints when expired
//	hybrid_keys     one a week; DeleteHybridKey when erased
//	peer_hybrid_keys one per contact; DropPeerHybridKeys by age
//	key_packages    CountKeyPackages; DeleteExpiredKeyPackages
//	conversations   CountConversations; DeleteConversation
//	groups          CountGroups; DeleteGroup after Retire
//	epochs          CountEpochs; DeleteEpoch; with them mls_records
//	messages        CountMessages; kept as long as the user keeps them:
//	                DeleteConversation
//	outbox          CountOutgoing
//	inbox           CountIncoming, CountWaitingFrom; DropWaiting, KeepNewestWaiting
//	seen            ForgetSeen
//	receipts_due    one per message that came in; DeleteReceiptsDue
package store
