// Package ledger is the file under a relay's store as its tables see it: the one
// writer, transactions, records with their checksums, how much there is, and what an
// operator does with the whole. It knows no inbox and no account: a Layout names the
// tables, and package relay/store, for which it is, says what is in them. The pages of
// the file are those of package relay/store/file.
//
// Invariants:
//   - A write that returned without an error is on the disk.
//   - One goroutine writes (Run). It commits what has gathered while the commit
//     before was under way, so that many writes share one sync; each has its own
//     result, and one that is refused leaves no trace in the others; when all are,
//     nothing is committed.
//   - Reads are short transactions of their own.
//   - The queue of writes is bounded, and so are those who wait for a place in it.
//   - On a full disk what removes something still finds room (PATH.reserve).
//   - Verify, Snapshot and Compact change nothing of what is stored. The first two
//     keep nobody waiting, and Compact nobody who reads; the file that it made takes
//     the place of the old one whole or not at all, and nobody goes on with the old
//     one.
//   - Nothing is served from a file that is damaged: its structure is checked when
//     it is opened, each value has a checksum, and a failed sync ends the ledger.
package ledger
