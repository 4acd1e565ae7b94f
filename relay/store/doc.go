// Package store keeps what a relay holds for those who are away, in one bbolt
// file. It is for package relay alone.
//
// It decides nothing about who may do what, and it reads no payload, key package
// or endpoint: those are bytes to it. Here are the tables: inboxes, key packages,
// endpoints, accounts, sessions, invites, channels. Package ledger, which a Store
// embeds, is below them: the one writer, the records and their checksums, and what is
// done with the whole file; package stock is the list of one owner's key packages, package
// share what each depositor has in an inbox.
//
// Invariants:
//   - A call that returned without an error is on the disk, and what is damaged is not
//     served (package ledger).
//   - The sequence of an inbox never goes back: not when it is emptied, not when
//     it is forgotten, not when the file is opened again, and not when a backup is
//     put back (MarkRestored).
//   - A single-use key package is handed out once, also then.
//   - A payload for many is on the disk once, and goes with the last of them.
//   - No depositor fills an inbox alone, nor do all at one place. Who left what is
//     known by tags whose key is in memory: the file does not tell it, and a restart
//     forgets it.
//   - Reads are short transactions of their own, and copy what they return.
//   - All that is kept has a bound or an expiry.
//
// Measured on 4 shared cores with
//
//	go test -run '^$' -bench Append -benchtime 3s ./relay/store
//
//	durable appends of 1 KiB a second    1 producer    16    256
//	one writer, 1,000 inboxes                 1,545  10,874  19,246
//	disk: syncs a second, same run            5,346   8,630   9,106
//
// and with -bench Open: a store of a million payloads in 10,000 inboxes is
// checked and open in 1.4 s.
package store
