// Package epochs is the rule by which the members of a group agree, without a
// server, on one branch of the tree of its epochs. It is for node/group, which
// keeps the tree, and for the bounded model of integration/headmodel, which
// checks the rule: both call the same functions.
//
// It knows no cryptography, no store and no clock. An epoch is an index, a member
// a number, and what it says is a function of its arguments alone: who knows the
// same tree and can enter the same epochs chooses the same head.
//
// # The rule
//
// From the oldest epoch on, take the best child that has an enterable epoch at or
// below it, again and again. Of two siblings, the most senior member of their
// parent that has committed at or below exactly one of them decides for it;
// external commits do not count. If there is none, a commit of a member comes
// before an external one, then that of the more senior committer, then the one of
// the smaller hash.
//
// # Why it converges
//
// What a member has committed can only be added to. An honest member never
// leaves its own commits for those of its juniors: at each fork above them it
// outranks all who are junior, or somebody senior has spoken for the other side.
// So the order of two siblings changes at most once for each member of their
// parent, in the order of seniority, and all who know the same commits agree.
//
// External commits do not count: else somebody who comes back, and knows less than
// the others do, could undo a Remove that nobody senior has spoken against. What
// nobody can enter is not chosen: a committer can make a path that opens for some,
// or for none.
package epochs
