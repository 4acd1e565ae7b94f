// Package share counts what each depositor, and all at one place, have in an inbox, so
// that nobody fills it alone. It is for package relay/store.
//
// Invariants:
//   - The counts are in memory alone, as the key of the tags is: an inbox is counted
//     when that decides something, and forgotten when it does not any more.
//   - What a transaction counted that came to nothing is counted again.
package share
