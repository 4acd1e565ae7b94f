// Package news keeps what a transaction of the local store has to tell, and tells it after
// the commit, never before. It is for packages convo, group and those beside them, whose
// operations are one transaction each; what is told is for the front ends and for package
// deliver.
//
// Events are kept in the store, in the transaction, for who asks for them later; what
// wakes somebody is not.
package news
