// Package headmodel checks the rule of node/epochs on a bounded model of a group: no
// cryptography, no clock, at most five members. It holds tests alone.
//
//	go test ./integration/headmodel -v -timeout 2h -args -model.states 1000000 -model.walks 100000
//
// TestModel is the search, TestPlanted leaves out parts of the rule, each of which it
// must find. TestCards drives package node/cards, with which node/group judges and
// keeps commit cards, through the same scenarios, and TestCode real members: their
// stores, their MLS groups and node/group, between which the test carries commits,
// GroupInfo and Welcomes, erases keys and crashes as the model does. After each step
// all must come to the same. TestForOthers: admins are gone whose Adds and Removes were
// lost, and another one commits them again, in both. TestOrders is all orders of four
// commits at four members with a crash (-model.plays 2 or more: at each place).
//
// A scenario says who is faulty and how many commits, key expiries, crashes and
// vanishings the adversary may spend. The search is breadth first with state
// hashing, so a trace that is reported is a shortest one; walks are random and deep,
// with doubled budgets. Each state that is reached is copied and closed: faulty
// members fall silent, the honest ones that are left talk until nothing changes.
// Then:
//
//	S1 all honest members that are in have one head; none is elsewhere that the
//	   group has as a member
//	S2 what was settled for an honest member is above everybody's head
//	S3 an honest admin's Remove of juniors is undone only by somebody senior to that
//	   admin (not promised while somebody senior to it is faulty)
//	S4 closing ends within a bound, also when all lost intents are committed again
//	   at once
//	S5 nobody is stuck without keys
//	S6 who joined by a Welcome whose commit lost is in the group in the end, or
//	   knows of a better branch that it is not in
//	S7 all of this with crashes that lose what is not synced
//
// Delivery of one commit to one member is one step of the adversary: that covers
// every order, loss until it is sent again, duplication, partition, absence and
// late release. A garbled commit is properly signed, but does not open for the
// members named; one that is not what its card says opens for nobody. A faulty
// member commits on any epoch that it ever held, as often as it likes: of the
// rivals of one member on which nobody else has built, two are kept. Keys may expire
// at any time, for each member on its own. The list of admins is changed by commits,
// and who comes in or comes back takes the first blank leaf, so that the seniority of
// the others changes with it. A crash loses what came since the last durable step.
//
// What would refute the rule is tried by these, here, in integration and in node/group:
//
//   - all orders of four commits, with a crash: TestModel, TestOrders, TestCode, TestCuts
//   - commits garbled for one or for all: scenarios of TestModel and TestCode,
//     TestHostileCommits; a member, a senior or a sole admin that equivocates: TestEquivocation
//   - 10,000 commits of one member in one epoch: TestGroundCommits
//   - 20 hidden commits of who is removed: TestHiddenCommits
//   - apart for 30 days, all keys erased, four come back at once: TestThirtyDays
//   - who gave GroupInfo is gone, and a crash: TestGiverDies
//   - a Welcome of a branch that lost, and who invited is gone: TestWelcomeLostInviterGone,
//     TestForOthers, TestInviterGone
//   - the sole admin is gone: TestSoleAdminGone; a junior one removes the senior one, who
//     comes back: TestSeniorComesBack, TestRemoveEachOther
//   - what was read opens no more after a change of branches and back: TestReadOnce
//
// Not covered: members whose trees begin at different epochs. A Welcome brings the
// tree from the root of who invites, but no more than 255 epochs of it.
package headmodel
