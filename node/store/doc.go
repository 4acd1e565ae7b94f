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
//   - node.key: the database key, 32 random bytes, or those sealed under the state
//     password (package qpce).
//   - node.db, with -wal and -shm beside it while open: the database.
//   - node.db.new: a database that is being made. Creation is: make this file,
//     write node.key, fill it, rename it to node.db. So a first start that was
//     cut short is told apart from a key or a database that was lost.
//   - node.db.next and node.key.next: the database under a fresh key, and that key,
//     which is there when the database is whole: from then on the two are the home,
//     whatever happens before they have their names. A node.db in clear is replaced
//     in the same way, under the key that is there.
//   - node.db.vN: the database before its tables changed, for 7 days. It also holds
//     keys that were erased since.
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
// The store enforces no bound. What bounds each table today, in the packages
// above, and what nothing bounds:
//
//	meta             a fixed set of keys
//	contacts         nothing: the user adds them, and so does whoever shows a
//	                 hello pass of ours (node/convo); nothing removes one
//	requests         50 that wait, and those that the user refused in the last 30
//	                 days (node/convo)
//	blocked          nothing: the user blocks people
//	relays           four: node/front refuses more; the user may forget one
//	endpoints        one per contact; Sweep of node/convo drops the expired
//	hybrid_keys      one a week, erased two weeks after it was replaced (node/keys)
//	peer_hybrid_keys one per contact; Sweep drops those long expired
//	key_packages     erased when a Welcome uses them, those of last resort not, and
//	                 all after 30 days (Sweep, node/keys); until then 21 a week
//	                 for each relay, and 30 an hour are handed out here (node/serve)
//	conversations    one per contact and group; nothing removes one
//	groups           at most eight per conversation; those that lost go after a week
//	                 (node/convo), with their epochs and records
//	epochs           one per group of a pair; of others those that node/group may
//	                 come back to, at most for a week
//	commits          those of the groups we are in; two of one member in one epoch
//	                 on which nobody has built, 4,096 that hang in the air (node/group)
//	seats            one per member of a group
//	intents          what the user wants of groups, until it is so (node/group)
//	audience         one per member and own message to a group; nothing removes one
//	mls_records      per epoch what package mls saves, and the keys of messages
//	                 that were skipped, at most mls.MaxKept of a sender
//	passes           four per contact; Sweep drops those that have ended
//	passes_given     one per contact
//	events           those of the last 16,384 ids
//	messages         lines: nothing, kept for good, and a contact may send any number;
//	                 marks on them: one of a kind, author and line, and 256 of an
//	                 author that wait for their line (node/timeline); what is left of
//	                 erased ones goes after 60 days (Sweep of node/convo)
//	searchable       one per line that is indexed, and its text in search (FTS5); taken
//	                 out with it
//	outbox           per contact one row for each message of ours without a receipt,
//	                 of which Send allows 10,000 and Sweep gives up those of 30
//	                 days; those given up that the contact asks for again; one
//	                 introduction, one card, one Welcome per group
//	inbox            10,000 rows and 256 MiB (node/deliver); of these 1000 and 64 MiB
//	                 may wait for a key, 64 rows of one depositor on the direct
//	                 path, for a week (Sweep)
//	seen             Sweep forgets after 45 days; in that time nothing bounds it
//	receipts_due     two per counter that came in, of which one if it was read; nothing
//	                 but a receipt that got through removes it (DeleteReceiptsDue)
package store
