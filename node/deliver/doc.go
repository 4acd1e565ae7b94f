// Package deliver moves sealed payloads: out to the people they are for, in from
// those who sent them, by the direct path or through relays. It is for package node.
// What a payload means is for package convo, which it tells what became of each.
//
// # Out
//
// Each person with something in the outbox has one worker. What is ready goes at once
// over a connection that is there. Otherwise the worker gets the keys that are missing,
// then races (package race): the person's machine against its relays. The first durable
// acknowledgement wins. The same bytes twice vanish at the receiver.
//
// What nobody took waits, and is tried again after a second, then ever more rarely, up to
// 5 minutes, and at once when the person's machine or one of its relays is reached, or
// its addresses or our network change. What was taken but not receipted is sent again
// when the person's machine is seen, which is called after a minute, then ever more
// rarely, up to once an hour: a relay may be gone, or keep back what it took. It is
// encrypted anew if that machine took it a minute ago, or a relay 5 days ago. A machine
// that falls silent is waited for once; where it is now is asked of its relays beside the
// dial.
//
// At a relay of somebody who gave us a pass for it (package rpc/pass), or whose link has
// one, all of that is done on a connection of its own, without libp2p, that shows the
// pass and not our key: looking up where the person is, fetching its keys, and leaving
// mail. A relay that turns the pass down is called in our own name. One that does not
// answer is waited for: it may be away, and must not learn who we are because of that.
// Home relays are asked now and then whether they take such passes, and contacts are
// given some for those that do.
//
// # In
//
// A payload is committed to the inbox before it is acknowledged, to the sender's
// node or to the relay. One goroutine gives what is committed to package convo to be
// opened, some of the relays' mail and some of what came directly by turns; no more mail
// is taken while much of it is not opened. From those who are not contacts only little and
// small is taken on the direct path: enough for an introduction.
//
// # Links
//
// A link (package links) is a NodeService stream to one other machine, a peer or a
// relay. Both sides call over it. One over which something goes and nothing is answered,
// be it a message or a deposit, is asked whether it is alive, and given up after 3 s, or two
// round trips if these are longer (8 s while it is not known); any answer will do, so that
// a relay that is only slow keeps its callers.
//
// # Circuits
//
// Others may call this node for punching through its home relays, and through two of its
// contacts' relays: those it has a link to anyway, or, when none of its own is reached, it
// links to for that. It calls contacts through theirs and its own, but for those that take
// passes, its deposits with theirs or deposits for it: they are not told who calls whom. A
// circuit carries no payload.
//
// # Where to read
//
//   - deliverer.go: the whole, and what wakes it. worker.go: one person's. endpoint.go:
//     where people are. visit.go: what is done at our own relays. sealed.go: relays that are
//     not told who calls. session.go: relays that want a session. circuits.go: who is called
//     by circuit. twin.go: whether another home has used our keys. fleeting.go: what is
//     worth nothing later. ask.go: what is asked of the first that answers, such as keys.
//   - race: how what a worker has to send comes to the machine or a relay, whichever takes
//     it first; deposit: one deposit for several people. links: the streams to other
//     machines; pulse: whether one is alive. homes: when our relays are visited. inbox:
//     what comes in. people, sessions, refusals, strangers, asked: what is known of each.
//     tasks: the goroutines of a Run.
//
// # Invariants
//
//   - No acknowledgement goes out before the payload is committed here.
//   - An outbox row is deleted by package convo alone: of a message when its
//     receipt is back, it is encrypted anew, or it is given up after 30 days; of a
//     receipt or another control when somebody took it durably; of a Welcome or
//     an introduction when the person shows that it has it.
//   - Nothing is done with the keys in the store before a home relay was asked whether
//     another home has used them (Sure), for at most a second. Nothing goes straight to a
//     contact before its machine was asked the same.
//   - One person who cannot be reached holds up nobody else.
//   - The inbox table is bounded; of what no key opens yet, the oldest makes room.
package deliver
