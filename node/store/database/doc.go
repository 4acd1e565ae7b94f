// Package database is one encrypted SQLite file in a home: it opens and checks it,
// runs transactions, and exchanges the file for one under another key. It is for
// package store, which says what tables are in it; nobody else imports it. It alone
// knows SQLite.
//
// It sends nothing and starts no goroutine.
//
// # Invariants
//
//   - When Update returns nil, all it did is durable: write-ahead log,
//     synchronous=FULL. When its function returns an error or panics, or the
//     commit fails, none of it is there. UpdateLazily does not wait for the disk: a
//     power cut may take back what it did, as a whole and never before what came later.
//   - View sees one snapshot and is never blocked by a writer. Glance is for a few rows,
//     and a writer may have to wait for it.
//   - Nothing is on disk in clear: database, log and journals are encrypted
//     under the random key (package crypt), and temporary data stays in memory.
//     Only the sizes of files and which parts of them change can be seen.
//     Encryption keeps lengths, so it does not prove that a page is ours; the
//     checksum inside each page finds what was damaged.
//   - Deleted content is overwritten (secure_delete) in the database. Older
//     pages remain, encrypted, in the log until it is reused or the DB is
//     closed.
//   - No slice that a method returns belongs to SQLite; no slice that a method
//     is given is kept.
//   - Times are kept in whole milliseconds; the zero time is kept as such. A uint64
//     is kept with its top bit flipped, so that SQLite's signed order is the
//     unsigned one.
//
// After an unclean stop Open checks the file before anything is done with it, all or,
// with Config.Later, what is small; Check does the rest beside the work, and what it
// finds ends that. A damaged page is never served, checked or not: its checksum is
// looked at whenever it is read.
//
// What the file system cannot tell is not found out: when, after a crash, the
// end of the write-ahead log is damaged, SQLite takes it for an unfinished
// commit, and the database opens in the state before it.
//
// # Where to read
//
//   - db.go: DB, and how transactions begin and end. tx.go and row.go: what is done in
//     one. conn.go: a connection. cipher.go: its key; package crypt: the cipher.
//   - open.go: opening and making; check.go: whether the file is whole; migrate.go: the
//     versions of the tables; copies.go: the copy from before a change of theirs.
//   - swap.go: another key for the same content. snapshot.go: copies for backups, and
//     homes made of them.
package database
