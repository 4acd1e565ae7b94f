// Package integration is tests only: worlds of several nodes and relays on a
// simulated network in virtual time, real processes that are killed, and what
// holds for the whole tree (who may import whom). Nothing imports it.
//
// # The simulator
//
// TestSim plays what a seed plans: users write, come and go, make groups and change
// them, while machines crash at their commits, lose what was not synced, and the
// network cuts, delays and loses, clocks of relays are wrong, and a relay lies. Then it is quiet, and an oracle that saw what the
// users saw checks that all that was acknowledged is shown once, in order, on all
// sides, that all members are in one epoch of their group and nobody else reads it,
// that nothing is left at the relays, and no text in clear on a disk or in a log. The plan is a
// function of the seed (TestSimPlan); which goroutine is first is not.
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
