// Package pass is deposit passes: a signed leave to write to its owner, for those
// who do not say who they are. It is for the nodes, which make, keep and show
// passes, and for relays, which check them.
//
// A pass of kind 1 is for a contact, at one relay; one of kind 2 is the hello pass
// of a link, for whoever has the link, at all relays where its owner is at home: a
// link has no room for one for each. All who have a pass have the same bytes: it
// tells nothing of who shows it. A relay takes it, after its kind byte, as an access
// token (rpc.TokenPass). Raising the generation, which a relay reads in the
// recipient's endpoint record, cancels all passes of before.
//
// The encoding, numbers big-endian, times in Unix milliseconds:
//
//	version 1 ‖ recipient 32 ‖ relay key 32 ‖ kind u8 ‖ generation u32 ‖
//	expiry u64 ‖ signature 64, by the recipient under Domain over all before it
//
// The parser is strict: it takes what the encoder makes and nothing else. The
// package does no I/O and reads no clock.
package pass
