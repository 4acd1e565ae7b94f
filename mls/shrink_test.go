package mls

import "testing"

// TestTreeShrinks: a tree has no more leaves than its last member needs (RFC 9420,
// §12.1.3), down to one, also where whole subtrees were blank before.
func TestTreeShrinks(t *testing.T) {
	all := newGroup(t, x25519, "0", "1", "2", "3", "4", "5", "6", "7", "8")
	a := all[0]
	here := append([]*member{}, all...)
	for _, c := range []struct{ leaf, leaves uint32 }{
		{3, 16}, {6, 16}, {5, 16}, {4, 16}, {7, 16}, {8, 4}, {2, 2}, {1, 1},
	} {
		here[c.leaf] = nil
		var others []*member
		for _, m := range here[1:] {
			if m != nil {
				others = append(others, m)
			}
		}
		a.commit(CommitConfig{Remove: []uint32{c.leaf}}, others...)
		sameEpoch(t, append(others, a)...)
		if got := a.epoch.tree.leaves; got != c.leaves {
			t.Errorf("without leaf %d: got a tree of %d leaves, want %d", c.leaf, got, c.leaves)
		}
		back, err := parseTree(a.epoch.suite, a.epoch.RatchetTree())
		must(t, err)
		if back.leaves != c.leaves || string(back.hash()) != string(a.epoch.tree.hash()) {
			t.Errorf("without leaf %d: it does not come back", c.leaf)
		}
	}
	b := newMemberOf(t, x25519, "again")
	a.add(false, b)
	everybodyTalks(t, []*member{a, b})
}
