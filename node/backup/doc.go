// Package backup writes a node's store to one encrypted file, and makes a home of it
// again. It is for node.
//
// # Format
//
// "QPCB" ‖ version 1 ‖ a key sealed under the password (package qpce) ‖ chunks. A chunk
// is up to 64 KiB of the snapshot, sealed with ChaCha20-Poly1305 (RFC 8439) under a key
// that HKDF derives from the first; its nonce is a counter of 11 bytes and a byte that is
// 1 for the last. So chunks cannot be changed, left out, put in another order or cut
// off. The snapshot is an encrypted database (store.Snapshot) under the same first key:
// nothing is ever on disk in clear.
//
// # What must hold
//
//   - A file has its name only when it was restored into a scratch home, opened and
//     counted.
//   - No secret is used twice. A backup has no keys of MLS, no key packages and no
//     sessions; counters of messages and of groups go on far above those that were in
//     use. A restored node enters its conversations and groups anew.
//   - A restore needs a home that is not there, and killed at any moment leaves none or
//     the whole one. It reads all of the backup before it makes anything, and writes
//     nothing beside it.
//   - What a killed process left is of no use to anybody, and the next backup, restore or
//     start in its place removes it; never what a living one has. Other files beside a
//     backup are not touched, whatever their names.
//
// What came after the backup is not in it: messages that others hold for delivered are
// gone. Two homes of one backup, or a backup beside the home that it is of, are two
// nodes of one identity: both end when they see it at a home relay (package profile).
package backup
