// Package race brings payloads to one person by two ways at once: to the person's own
// machine, and after 250 ms without an acknowledgement, or at once when the machine is
// known to be unreachable, also to the person's relays. It is for package deliver, whose
// workers say what is to be sent and what to do when nobody took it.
//
// The first durable acknowledgement wins. When it is a relay's, the person's other relays
// have a second to take a copy too, so that nothing is lost with one of them, and what is
// on a connection to the machine already is left to arrive: a relay may lie, and be faster
// than a machine that is far away. A relay that failed gets them again when a new link to it
// comes up before the race is over.
//
// # Where to read
//
//   - races.go: what may be raced with, and how. race.go: one race, from its start to its
//     end. way.go: how the payloads come to the machine, or to one relay. stray.go: what
//     a race leaves behind.
//
// # Invariants
//
//   - Who has taken a payload is noted at once; when that fails, so does the race.
//   - Each way is noted in tries when it begins, and when it has ended.
//   - Nothing goes to a contact's machine before it has said what it keeps as our endpoint
//     (package node/deliver/asked).
package race
