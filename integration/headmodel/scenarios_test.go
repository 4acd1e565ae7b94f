package headmodel

// scenarios are what is searched and walked.
var scenarios = []config{
	{name: "honest, 3 members, 1 admin", n: 3, admins: 1, commits: 4, remove: true, di: 1},
	{name: "honest, 3 members, 2 admins, expiry", n: 3, admins: 2, commits: 3, expires: 2, remove: true},
	{name: "honest, 3 admins, one Remove at a time", n: 3, admins: 3, commits: 3, expires: 1, remove: true},
	{name: "honest, 4 members, 2 admins", n: 4, admins: 2, commits: 3, remove: true, expires: 1},
	{name: "4 commits, 4 members, a crash", n: 4, admins: 2, commits: 4, remove: true, di: 1},
	{name: "honest, 5 members, 2 admins", n: 5, admins: 2, commits: 3, remove: true, expires: 1},
	{name: "5 members, two removed at once", n: 5, admins: 2, commits: 3, remove: true, pairs: true, expires: 1},
	{name: "one vanishes, keys expire", n: 3, admins: 1, commits: 3, expires: 2, quits: 1, di: 1},
	{name: "30 days apart, all keys gone", n: 4, admins: 2, commits: 3, expires: 4, di: 1},
	{name: "1:1, both admins, 30 days", n: 2, admins: 2, commits: 5, expires: 3, quits: 1, di: 1},
	{name: "insider m2, 1 admin", n: 4, admins: 1, faulty: 4, commits: 2, bad: 2, remove: true, garble: true},
	{name: "insider m3 last, 1 admin, expiry", n: 4, admins: 1, faulty: 8, commits: 3, bad: 1, remove: true, expires: 1},
	{name: "insider m1 grinds, 1 admin", n: 3, admins: 1, faulty: 2, commits: 1, bad: 4, garble: true},
	{name: "insider m2 of 5 grinds, removed", n: 5, admins: 1, faulty: 4, commits: 2, bad: 3, remove: true, garble: true},
	{name: "insider admin m1 of 2", n: 4, admins: 2, faulty: 2, commits: 2, bad: 2, remove: true, expires: 1},
	{name: "insider admin m1 of 2, garbles", n: 4, admins: 2, faulty: 2, commits: 2, bad: 2, garble: true, expires: 1},
	{name: "insider admin m2 of 3 equivocates", n: 4, admins: 3, faulty: 4, commits: 2, bad: 1},
	{name: "insider admin m1 of 3 changes the list", n: 4, admins: 3, faulty: 2, commits: 2, bad: 2, lists: true, remove: true},
	{name: "faulty top admin equivocates", n: 4, admins: 2, faulty: 1, commits: 2, bad: 2, remove: true, expires: 1},
	{name: "faulty sole admin garbles", n: 4, admins: 1, faulty: 1, commits: 2, bad: 2, garble: true, expires: 1},
	{name: "Welcome on a losing branch, inviter gone", n: 4, admins: 2, commits: 3, quits: 1, join: true},
	{name: "Welcome, inviter gone, keys expire, crash", n: 4, admins: 2, commits: 3, quits: 1, expires: 1, di: 1, join: true},
	{name: "Welcome by a faulty admin", n: 4, admins: 2, faulty: 2, commits: 2, bad: 2, join: true, garble: true},
	{name: "juniors may remove seniors", n: 3, admins: 2, commits: 4, remove: true, weak: true, expires: 1},
	{name: "everybody is admin", n: 4, admins: 4, commits: 3, remove: true, weak: true},
	{name: "the list of admins changes", n: 4, admins: 2, commits: 3, lists: true, remove: true},
	{name: "the list changes, keys expire", n: 3, admins: 2, commits: 4, lists: true, remove: true, expires: 2, di: 1},
	{name: "5 admins change the list", n: 5, admins: 5, commits: 3, lists: true},
}

// planted leave out a part of the rule: the check must find each.
var planted = []struct {
	drop string
	in   config
	// steps lead to where it shows; nil: a search finds it.
	steps []step
}{
	{"enter", config{name: "what nobody can enter is chosen", n: 3, admins: 1, faulty: 2, commits: 1, bad: 1, garble: true}, nil},
	{"keepown", config{name: "a third rival stays where one is in it", n: 3, admins: 1, faulty: 2, bad: 3, garble: true}, []step{
		{kind: commits, a: 1, way: worse},
		{kind: delivers, a: 1, b: 0},
		{kind: commits, a: 1, way: garbled},
		{kind: delivers, a: 2, b: 0},
		{kind: commits, a: 1, way: garbled},
		{kind: delivers, a: 3, b: 0},
	}},
	{"extcounts", config{name: "external commits count", n: 3, admins: 3, commits: 6, expires: 2, remove: true}, []step{
		{kind: commits, a: 1},
		{kind: commits, a: 2},
		{kind: expires, a: 1},
		{kind: offers, a: 2, b: 0, e: 2},
		{kind: commits, a: 2, b: 2},
		{kind: offers, a: 1, b: 2, e: 1},
		{kind: expires, a: 0},
		{kind: delivers, a: 3, b: 1},
		{kind: offers, a: 1, b: 0, e: 1},
		{kind: commits, a: 1, b: 1, change: removes, set: 4},
		{kind: commits, a: 1, b: 4},
		{kind: rejoins, a: 0},
	}},
}
