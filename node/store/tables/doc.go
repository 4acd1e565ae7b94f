// Package tables is the SQL that makes the tables and indexes of a node's database, as
// steps from one version of it to the next. It is for package store, whose doc.go says
// what each table is for.
//
// Steps are appended only: one that was released is never edited, because there are
// databases that it was applied to. Each comes with a test in package store that opens
// a database of before.
//
// Identities, keys, hashes and ids are BLOBs of fixed length. Columns that hold
// a uint64 have its top bit flipped, so that SQLite's signed order is the
// unsigned one. Times are Unix milliseconds, 0 for none.
package tables
