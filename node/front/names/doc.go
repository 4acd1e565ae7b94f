// Package names says whom or what a word means among people, groups and machines, which
// have names that several may share. It is for package front.
//
// # Invariants
//
//   - Who has just the name that was typed is meant, whoever else has one like it.
//   - Case counts as long as that finds somebody. Without regard to it a word finds those
//     that no word finds otherwise, and never somebody else.
package names
