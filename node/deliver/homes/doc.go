// Package homes stays in touch with home relays, the relays that keep mail for us: it
// visits each of them, and visits it again when the visit has ended. It is for package
// deliver, which says what is done at a relay.
//
// # Invariants
//
//   - Who loses a relay comes back within a time that each node draws by itself, so
//     that a relay that restarts is not called by all in one second (TestThousand).
//   - One relay that cannot be reached holds up no other.
package homes
