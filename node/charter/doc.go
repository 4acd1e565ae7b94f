// Package charter is what MLS itself says of a group of any number, and whether that is
// what its cards say: the name and the admins in a GroupContext extension, the members by
// their leaves, and what a commit changes of these. It is for node/group.
//
// It judges nothing: who may do what is of package cards. A commit that does something
// else than its card, or leads to other members, is one that nobody honest enters.
package charter
