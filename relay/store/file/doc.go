// Package file is the one bbolt file under a store: opened with its lock, checked
// before it is trusted, mapped so that it can grow, written anew without its free
// room. It knows pages and buckets, and nothing of what they hold. It is for package
// relay/store/ledger.
//
// Invariants:
//   - A file whose structure was checked is walked by bbolt without a panic; what is
//     damaged is ErrDamaged.
//   - A file that is made has its name when it is whole and on the disk.
//   - Whoever opened a file has the one that has the name.
package file
