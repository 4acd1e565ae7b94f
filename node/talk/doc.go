// Package talk is what members of a group say to each other one by one, beside messages
// and commits: where they are, what they lack, what they give each other, and the contact
// cards by which those who never met reach each other. It is for node/group, which
// decides what is to be said, and is part of its transactions.
//
// All of it is sealed to one member: whether two are in one epoch is what it is about.
// A question takes the place of the same one in the outbox that has had no effect yet, and
// is not asked again at once, so that nobody can be made to say more than it hears.
package talk
