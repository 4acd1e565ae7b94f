// Package known is those whom a node knows, and those who ask to be known: how somebody
// becomes a contact, the contact cards that people give each other, and the passes with
// which contacts may leave mail at our relays. It is for node/convo, and part of its
// transactions.
//
// It knows nothing of conversations, and of keys only who signs. What it has to say to
// somebody lies in the outbox outside of any conversation, sealed to that person.
//
// Who presents a hello pass of one of our links becomes a contact. Anybody else asks: at
// most MaxRequests at a time, who are told nothing until the user says yes.
//
// With our card each contact gets passes to write to us at our relays without saying
// who it is, and new ones in time (RenewPasses). Cancel ends all that were given,
// for those who are to have none any more, and gives new ones to the others.
package known
