// Package deliver moves sealed payloads: out to the people they are for, in from
// those who sent them, by the direct path or through relays.
//
// # Out
//
// Each person with something in the outbox has one worker. It first gets the
// keys that are missing, then races: over the live connection, or a dial; after
// 250 ms without an acknowledgement, or at once when the machine is known to be
// unreachable, also to the person's relays. The first durable acknowledgement
// wins; the same bytes twice vanish at the receiver. What nobody took waits, and
// is tried again with back-off, and at once when the person's machine, its
// addresses or our network change. What was taken but not receipted is sent
// again when the person's machine is seen.
//
// # In
//
// A payload is committed to the inbox before it is acknowledged, to the sender's
// node or to the relay. One goroutine opens what is committed, in order.
//
// # Links
//
// A link is a NodeService stream to one other machine, a peer or a relay. Both
// sides call over it. At most one is opened per machine; the other side may have
// opened one as well.
package deliver
