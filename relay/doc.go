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
//   - What it remembers of callers, to bound them, it forgets when it counts no more.
//   - Whatever is asked of it, its memory and its disk stay bounded; what is over
//     a bound is refused with a code.
//
// Package relay/accounts knows the users, relay/store keeps what must not be lost (in the
// file of relay/store/ledger), and relay/traffic bounds the calls. What an operator may set
// is in relay/settings, what an operator does in relay/admin, what is counted in
// relay/metrics.
//
// # Where to read
//
// relay.go: the life of a relay. service.go: who may call, and what counts a call;
// pass.go: who calls with a pass. mailbox.go: deposits, fetching and acks; waiters.go: who
// waits for mail. keys.go: key packages, of which keypackage.go reads what a relay must know
// and handouts.go bounds who gets them, and hybrid keys. endpoint.go, channel.go: the rest
// of NodeService but accounts. home.go: the files; config.go: the bounds.
//
// # Speed
//
// Durable deposits of 1 KiB to random inboxes, beside what bounds them and beside NATS
// JetStream with a file store: medians of 5 rounds of 600 ms for each figure, of
//
//	go test ./integration -run '^$' -bench BenchmarkRelay -relay.profile DIR
//
// on 4 cores that had little else to do. The ratios, each of figures that follow each
// other, are what to compare.
//
//	deposits a second, clients:              1       16      256
//	disk, fdatasync                      7,262
//	store alone                          1,553    8,046   21,397
//	calls without a store                2,982   20,136   19,793
//	relay, libp2p                          818    5,709    9,184
//	relay, plain QUIC                      773    4,535    8,879
//	relay, batches of 32                                  65,776
//	JetStream, sync_interval always      1,922    3,373    3,977
//	JetStream, its default               4,836   38,339   40,748
//
//	                                                         goal
//	256 clients / the lower of no store and store alone   0.44   0.6: short
//	256 clients / JetStream always                         2.1   4: short
//	1 client, p50 / (bare round trip + one commit)        1.51   1.5: short
//	the same / (bare round trip and then a commit)         1.3
//	deposits in batches of 32 / without                    7.1   3
//	(wake-up - commit) / bare round trip, after a pause    1.3   3
//	idle client with a stream and a waiter             137 KiB   140, better 100
//
// A wake-up is timed with nobody else at the relay; in a process of 768 busy clients it
// was 3.2.
//
// The comparison: both serve as many connections of one process of clients, which has
// one call at a time on each and waits for its answer. JetStream keeps all subjects in
// one stream, and writes one message after the other, each with O_SYNC; the relay syncs
// once, twice over (the pages, then the page that makes them count), for all that came
// meanwhile. The connections of JetStream are TCP in clear, and nobody proves who it is;
// those of the relay are QUIC with TLS 1.3, each from a host with a key and a socket of
// its own.
//
// What is short of its goal: four times JetStream would be 15,900 a second, and calls
// that store nothing reach 20,000 with all four cores. With a store, relay and clients
// use 2.9 of them, and the rest waits for the disk: a deposit to a random inbox writes
// some 2.4 pages, and the commits follow each other. Per deposit, with 256 clients:
//
//	µs of processor time              server   its clients
//	store alone                           44
//	calls without a store                 76           103
//	relay, libp2p                        189           146
//	relay, plain QUIC                    209           125
//	relay, batches of 32                  23             8
//	JetStream, sync_interval always      144            57
//	JetStream, its default                42            37
//
// and of the relay's part, by go tool pprof -traces DIR/relay.cpu, each sample where it
// is first found in this order:
//
//	garbage collector                    9 %
//	bbolt: writing pages, syncing        7 %
//	bbolt: its tree, and package store  15 %
//	system calls for UDP                12 %
//	TLS                                  4 %
//	QUIC                                25 %
//	Cap'n Proto and package rpc         25 %
//	scheduler                            3 %
//
// Of an idle client's memory 63 KiB are live, most of it QUIC's and TLS's,
// 40 KiB are the stacks of ten goroutines, and the rest is room that its handshake left.
//
// Ten thousand that wait do not disturb two who chat (TestRelayCrowd, p50 of a message
// 1.9 ms, and 1.6 ms without them).
package relay
