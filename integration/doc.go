// Package integration is tests only: worlds of several nodes and relays on a
// simulated network in virtual time, real processes that are killed, and what
// holds for the whole tree (who may import whom). Nothing imports it.
//
// # The world
//
// Most tests are of a few nodes in a world (world_test.go), and read as what happens:
//
//	simulate(t, func(w *world) {
//		r := w.relay()
//		a, b := w.node("alice", r.url()), w.node("bob", r.url())
//		a.meet(b, "one")             // takes bob's link; the message is delivered
//		w.net.Cut(a.ip, b.ip, true)  // Delay, Down, CutOneWay and Wear are beside it
//		id := a.send(b, "two")
//		a.await(id, localapi.Stored, time.Second)
//		r.halt()
//		r.start()                    // on the same disk, as nodes do
//		a.await(id, localapi.Delivered, time.Minute)
//		b.wantTexts(a, "one", "two")
//	})
//
// Time in it is virtual: nothing is slow, and an hour takes a moment. TestDirect, TestAway,
// TestMailbox and TestNoWay are the main job. The conversation of play_test.go, which is
// halted at its commits, and the simulator below are in such a world as well. Real
// processes are in process_test.go, a LAN of network namespaces in lan_test.go, and NATs
// between those in natlab_test.go.
//
// # The simulator
//
// TestSim plays what a seed plans: users write, come and go, make groups and change
// them, while machines crash at their commits, lose what was not synced, and the
// network cuts, delays and loses, clocks of relays are wrong, and a relay lies. Then it
// is quiet, and an oracle that saw what the users saw checks that all that was
// acknowledged is shown once, in order, on all sides, that all members are in one epoch
// of their group and nobody else reads it, that nothing is left at the relays, and no
// text in clear on a disk or in a log. The plan is a function of the seed
// (TestSimPlan); which goroutine is first is not.
//
//	go test ./integration -run 'TestSim$'                              # 30 seeds
//	go test ./integration -run 'TestSim$' -sim.seeds 2000 -timeout 24h # the long form
//	go test ./integration -run 'TestSim$' -sim.seed 17 -sim.repeat 20  # one, again
//
// A seed that fails writes its schedule, what was found and what happened at each
// machine to a file that it names (-sim.out says where). Should a seed that failed
// not fail in 20 repeats, there are two faults: one, and the race that hides it.
//
// The oracle is tested by faults that are planted: ".ci/mutants sim" applies each
// patch of testdata/planted to a copy of the tree, and requires that one of 200
// seeds fails.
package integration
