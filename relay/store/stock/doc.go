// Package stock is the list of the key packages that a relay has for one owner: which
// are there, which were handed out, and how many may be. It does not hold the packages
// and reads no file. It is for package relay/store, which keeps the list as one record
// and each package as another.
//
// Invariants:
//   - A package that was taken off is not listed again, while its fingerprint is among
//     the newest 64 that were.
//   - The list is bounded (Trimmed); what comes from the disk is checked (Parse).
package stock
