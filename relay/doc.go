// Package relay is the mailbox server that anyone can host: it answers
// NodeService for those who are away. It is for the command that runs a relay.
//
// A relay keeps sealed payloads, key packages, hybrid keys and endpoint records
// until their owners or their contacts come for them. It opens no payload and
// knows nothing of groups; it does not forward to other relays: senders come to
// the relay of the recipient.
//
// It is called over libp2p, where TLS proves the caller's key, and on the same
// port over plain QUIC (package transport/plain), where it proves nothing: there a
// caller without a session token or a deposit pass gets health and the OPAQUE calls.
//
// Invariants:
//   - What was acknowledged is on the disk (package relay/store).
//   - Only the owner of a key reads and empties its inbox, uploads its key
//     packages and hybrid key, and publishes its endpoint; everybody else who
//     proved an identity, or has a session, may deposit and look up.
//   - Unless access is open, owning takes a session of an account that the key is
//     bound to, and deposits are taken for those who have one.
//   - On a channel only its two members write, to each other.
//   - With Config.AllowSealedSender a pass of the recipient (package rpc/pass) does
//     for a deposit, and for the look-ups that it takes. It is signed by the
//     recipient, for this relay, not over, and not of a generation that the
//     recipient's endpoints have cancelled. Such a call is counted by its address,
//     and nothing that is kept, logged or held in memory says who made it.
//   - A single-use key package is handed out once.
//   - Whatever is asked of it, its memory and its disk stay bounded; what is over
//     a bound is refused with a code.
//
// Package relay/accounts knows the users, relay/store keeps what must not be lost.
//
// # Speed
//
// Durable deposits of 1 KiB to random inboxes, beside what bounds them and beside NATS
// JetStream with a file store: medians of 7 rounds of 600 ms for each figure, of
//
//	go test ./integration -run '^$' -bench BenchmarkRelay -relay.rounds 7
//
// on 4 cores that had fifteen times as much to do (a load of 60). The ratios, each of
// figures that follow each other, are what to compare.
//
//	deposits a second, clients:              1       16      256
//	disk, fdatasync                      1,042
//	store alone                            315    1,661    5,730
//	calls without a store                3,729    5,731    1,343
//	relay, libp2p                          330      878      915
//	relay, plain QUIC                      419    1,148      681
//	relay, batches of 32                                   9,398
//	JetStream, sync_interval always        961      499      647
//	JetStream, its default               9,098   21,666   10,674
//
//	                                               that run, the next      goal
//	256 clients / the lower of no store and store alone   0.73, 0.61       0.6
//	256 clients / JetStream always                         1.3, 1.8        4: short
//	1 client, p50 / (bare round trip + one commit)         1.3, 1.7        1.5
//	the same / (bare round trip and then a commit)         1.5, 1.9
//	deposits in batches of 32 / without                    9.7, 7.0        3
//	(wake-up - commit) / bare round trip, after a pause    3.8, 2.1        3
//	idle client with a stream and a waiter                 130, 135 KiB    140, better 100
//
// What is near its goal or short of it: a deposit alone and a wake-up pass through six
// goroutines of two processes, each of which waits for a core. Against JetStream the
// processor is the bound, not the disk: calls that keep nothing are no more than two
// to five times as many as its deposits either. A quarter of the relay's time goes to
// the store (half of that to write pages), a third to QUIC and TLS, a sixth to Cap'n
// Proto, a tenth to the garbage collector; its 256 clients, each with a host of its own
// on the same cores, take more than it does (-relay.profile writes the profiles). Of an
// idle client's memory 63 KiB are live, most of it QUIC's and TLS's, 40 KiB are the
// stacks of ten goroutines, and the rest is room that its handshake left.
package relay
