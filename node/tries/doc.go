// Package tries keeps what was tried to bring a message to a person, when, and what
// came back, so that people can ask why a message is where it is.
//
// A [Book] holds what failed lately, for each person apart, in memory; a try that
// fails like the one before it only counts up. What is worth keeping goes into the
// row of the message itself, as the text of [Encode], in the commit that changes the
// message anyway. So nothing is committed for the sake of this package, and what
// failed since a message changed last is forgotten with the process.
//
// [Plain] and [Short] put an error into words for people, and a [Failure] is that of all
// ways to a person together.
//
// Bounds: [Most] tries of a message and of a person, maxPeople people, maxResult
// bytes of a result.
//
// It is for packages node/deliver with its parts, node/convo and node/front.
package tries
