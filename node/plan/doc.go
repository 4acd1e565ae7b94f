// Package plan is what the user wants of a group, and what is to be committed of that
// now. It is for node/group, which makes the commits.
//
// What the user wants is an intent of the store, kept until it is true in the head and
// no other branch can come before the one that made it so. If its branch loses it is
// planned again on the head: never the old proposal, but what was wanted. What has come
// true, or cannot any more, is erased; a lost Remove of somebody senior is dropped. What
// another admin added or removed on a branch that lost becomes an intent of ours a minute
// later, if that admin has not done it again.
//
// Nothing here knows MLS but for key packages, and nothing is sent: a Plan is made of the
// intents and of the tree of epochs that package cards has judged.
package plan
