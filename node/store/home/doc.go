// Package home is the directory of a node: the names of its files, its lock, and the
// key of its database. It is for package database, and for who asks whether there is
// a home, whether it is open, and whether it has a password.
//
// It knows nothing of what is in the database.
//
// The directory (0700) holds, each with mode 0600:
//
//   - lock: held by flock while the home is open. One process at a time.
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
//   - node.db.snapshot: what a backup has, encrypted, while a home is made of it.
//   - node.db.vN: the database before its tables changed, for 7 days. It also holds
//     keys that were erased since.
//   - unclean: there from opening to closing. An opening that finds it runs a
//     quick_check, of large tables perhaps beside other work: then it stays until that is
//     through. It says "damaged" if that found damage.
package home
