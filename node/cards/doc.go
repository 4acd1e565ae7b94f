// Package cards is the tree of a group's epochs as its commit cards tell it: who is in
// an epoch, who may do what, which epoch is the head, and what is kept of all that.
// It is for node/group, which brings the cards in and opens the commits, for plan,
// audience, talk and charter below that, which read the tree, and for the bounded model
// of integration/headmodel, which drives it through the same scenarios.
//
// It is pure: no store, no cryptography, no clock. The signatures of the cards are
// checked where they are parsed (package message); the rule that picks the head is
// of package epochs.
//
// # Cards are judged by themselves
//
// What a card may do is judged by the card and those above it alone, never by
// whether the commit opens: in MLS a committer can make a path that only some can
// open, and all must come to the same tree. What its committer had no right to is
// not in the tree, nor what hangs on that. Whoever judges leaves out the same, so
// it is erased.
//
// # Who may what
//
// The seniority of members is the list of admins in the GroupContext, then the
// order of leaves. Admins add, remove anybody, name the group, and change the list
// of admins below their own place. Every member may commit its own fresh keys, its
// own return from outside, and the Remove of somebody whose signed Leave is in the
// card. A Leave counts below the epoch that it names, unless who left was added
// again.
//
// # What is kept
//
// Two commits of one member in one epoch on which nobody else has built, those of
// the smallest names. This must not depend on which came first, nor on which of
// them one is in: somebody who shows a third one to one member alone would else keep
// that one apart from the others for as long as nobody commits. Commits that hang
// in the air are bounded for each member; what was dropped is asked for again.
package cards
