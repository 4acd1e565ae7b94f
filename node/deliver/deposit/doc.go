// Package deposit brings a payload that is for several people to a relay in one call.
// It is for package deliver, which knows one person at a time.
//
// A message or a commit of a group is encrypted and sealed once for all members. Those
// who are not reachable are waited for at their relays; where several of them have
// the same relay, the first one's deposit waits a moment for the others', and all go
// as one batchEnqueue. The relay then keeps the payload once.
//
// It keeps nothing that must not be lost: whoever leaves something here waits for the
// answer, and has it in the outbox until then.
package deposit
