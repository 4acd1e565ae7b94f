package epochs

import "testing"

// byNumber ranks members by their numbers; all are members everywhere.
func byNumber(_, member int) (int, bool) { return member, true }

func TestHead(t *testing.T) {
	h := func(b byte) [32]byte { return [32]byte{b} }
	for name, tt := range map[string]struct {
		tree []Epoch
		want int
	}{
		"root alone":       {[]Epoch{{Parent: -1, Enterable: true}}, 0},
		"line":             {[]Epoch{{Parent: -1}, {Parent: 0, Author: 3}, {Parent: 1, Author: 2, Enterable: true}}, 2},
		"senior committer": {[]Epoch{{Parent: -1}, {Parent: 0, Author: 2, Enterable: true}, {Parent: 0, Author: 1, Enterable: true}}, 2},
		"smaller hash":     {[]Epoch{{Parent: -1}, {Parent: 0, Author: 1, Enterable: true, Hash: h(9)}, {Parent: 0, Author: 1, Enterable: true, Hash: h(3)}}, 2},
		"senior below": {[]Epoch{
			{Parent: -1}, {Parent: 0, Author: 1, Enterable: true}, {Parent: 0, Author: 2}, {Parent: 2, Author: 0, Enterable: true},
		}, 3},
		"external does not speak": {[]Epoch{
			{Parent: -1}, {Parent: 0, Author: 1, Enterable: true}, {Parent: 0, Author: 2}, {Parent: 2, Author: 0, External: true, Enterable: true},
		}, 1},
		"member before external": {[]Epoch{
			{Parent: -1}, {Parent: 0, Author: 0, External: true, Enterable: true}, {Parent: 0, Author: 4, Enterable: true},
		}, 2},
		"not enterable": {[]Epoch{{Parent: -1}, {Parent: 0, Author: 2, Enterable: true}, {Parent: 0, Author: 1}}, 1},
		"unknown parent": {[]Epoch{
			{Parent: -1, Enterable: true}, {Parent: -1, Author: 0, Enterable: true}, {Parent: 1, Author: 0, Enterable: true},
		}, 0},
	} {
		if got := New(tt.tree, 0, 5, byNumber).Head(); got != tt.want {
			t.Errorf("%s: got %d, want %d", name, got, tt.want)
		}
	}
}

// TestManyMembers puts the member that decides far behind the first word of a set.
func TestManyMembers(t *testing.T) {
	tree := New([]Epoch{
		{Parent: -1},
		{Parent: 0, Author: 10, Enterable: true},
		{Parent: 0, Author: 11},
		{Parent: 2, Author: 130, Enterable: true},
	}, 0, 200, func(_, m int) (int, bool) { return (m + 100) % 200, m != 10 })
	if got := tree.Head(); got != 3 {
		t.Errorf("head: got %d, want 3: number 130 is more senior than 11, and 10 is no member", got)
	}
	spoke := func(e, member int) bool { return tree.set(e)[member/64]>>(member%64)&1 != 0 }
	if tree.Settled(2) || !spoke(2, 130) || spoke(1, 130) || !spoke(0, 130) {
		t.Error("who has spoken where: wrong")
	}
}

func TestForkAndSettled(t *testing.T) {
	tree := New([]Epoch{
		{Parent: -1, Enterable: true},
		{Parent: 0, Author: 1},
		{Parent: 1, Author: 2},
		{Parent: 0, Author: 2},
		{Parent: 3, Author: 0},
	}, 0, 3, byNumber)
	if x, y := tree.Fork(2, 4); x != 1 || y != 3 {
		t.Errorf("fork of 2 and 4: got %d, %d, want 1, 3", x, y)
	}
	if !tree.Prefers(4, 2) || tree.Prefers(2, 4) || !tree.Prefers(2, 1) || tree.Prefers(1, 2) || tree.Prefers(2, 2) {
		t.Error("prefers: wrong")
	}
	if !tree.Settled(3) || !tree.Settled(4) || tree.Settled(1) || tree.Settled(0) {
		t.Error("settled: wrong")
	}
}
