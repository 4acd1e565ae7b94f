package cards

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"quicnprotochat/node/message"
	"quicnprotochat/rpc"
)

// who is a member with a number of its own.
func who(n byte) rpc.Identity { return rpc.Identity{n} }

func name(n byte) message.EpochName { return message.EpochName{n} }

// epoch is one that a member made of another one; the root is 0.
func epoch(n, parent byte, number uint64, card message.CommitCard) *Epoch {
	card.Parent, card.Number = name(parent), number
	return &Epoch{Name: name(n), Parent: name(parent), Card: &card, State: StateIn, Seen: time.Unix(int64(n), 0)}
}

// grown is a tree over a group of 1, 2, 3 and 4, of whom 1 and 2 are admins.
func grown(below ...*Epoch) *Tree {
	root := &message.GroupRoot{
		Name: name(0), Number: 7, Leaves: []rpc.Identity{who(1), who(2), who(3), who(4)},
		Profile: message.GroupProfile{Name: "friends", Admins: []rpc.Identity{who(1), who(2)}},
	}
	t := New(root, &Epoch{Name: name(0), State: StateIn}, below)
	t.Choose(who(4), func(message.EpochName) bool { return false })
	return t
}

func names(list []*Epoch) (all []byte) {
	for _, e := range list {
		all = append(all, e.Name[0])
	}
	return all
}

func TestWhoMayWhat(t *testing.T) {
	admins := func(ids ...rpc.Identity) *message.GroupProfile {
		return &message.GroupProfile{Name: "friends", Admins: ids}
	}
	for what, tt := range map[string]struct {
		card message.CommitCard
		ok   bool
	}{
		"a member updates":               {message.CommitCard{Committer: who(4)}, true},
		"a stranger updates":             {message.CommitCard{Committer: who(9)}, false},
		"an admin adds":                  {message.CommitCard{Committer: who(2), Added: []rpc.Identity{who(9)}}, true},
		"a member adds":                  {message.CommitCard{Committer: who(3), Added: []rpc.Identity{who(9)}}, false},
		"an admin adds a member":         {message.CommitCard{Committer: who(2), Added: []rpc.Identity{who(3)}}, false},
		"a member removes":               {message.CommitCard{Committer: who(3), Removed: []rpc.Identity{who(4)}}, false},
		"an admin removes":               {message.CommitCard{Committer: who(2), Removed: []rpc.Identity{who(4)}}, true},
		"an admin removes itself":        {message.CommitCard{Committer: who(2), Removed: []rpc.Identity{who(2)}, Profile: admins(who(1))}, false},
		"a junior admin removes":         {message.CommitCard{Committer: who(2), Removed: []rpc.Identity{who(1)}, Profile: admins(who(2))}, true},
		"the list keeps who is removed":  {message.CommitCard{Committer: who(2), Removed: []rpc.Identity{who(1)}}, false},
		"a member names the group":       {message.CommitCard{Committer: who(3), Profile: &message.GroupProfile{Name: "mine", Admins: []rpc.Identity{who(1), who(2)}}}, false},
		"a member makes itself an admin": {message.CommitCard{Committer: who(3), Profile: admins(who(1), who(2), who(3))}, false},
		"an admin promotes":              {message.CommitCard{Committer: who(2), Profile: admins(who(1), who(2), who(3))}, true},
		"a junior goes before a senior":  {message.CommitCard{Committer: who(2), Profile: admins(who(2), who(1))}, false},
		"a senior orders its juniors":    {message.CommitCard{Committer: who(1), Profile: admins(who(1), who(4), who(3), who(2))}, true},
		"an admin who is nobody":         {message.CommitCard{Committer: who(1), Profile: admins(who(1), who(9))}, false},
		"external":                       {message.CommitCard{Committer: who(3), External: true}, true},
		"external by a stranger":         {message.CommitCard{Committer: who(9), External: true}, false},
		"external that adds":             {message.CommitCard{Committer: who(1), External: true, Added: []rpc.Identity{who(9)}}, false},
		"external that removes":          {message.CommitCard{Committer: who(1), External: true, Removed: []rpc.Identity{who(2)}}, false},
		"leave that was said": {message.CommitCard{
			Committer: who(3), Removed: []rpc.Identity{who(4)}, Leaves: []message.Leave{{Who: who(4), Epoch: name(0)}},
		}, true},
		"leave that was said elsewhere": {message.CommitCard{
			Committer: who(3), Removed: []rpc.Identity{who(4)}, Leaves: []message.Leave{{Who: who(4), Epoch: name(8)}},
		}, false},
		"leave of another": {message.CommitCard{
			Committer: who(3), Removed: []rpc.Identity{who(2)}, Leaves: []message.Leave{{Who: who(4), Epoch: name(0)}},
		}, false},
	} {
		tree := grown(epoch(5, 0, 8, tt.card), epoch(6, 5, 9, message.CommitCard{Committer: who(1)}))
		if ok := tree.At(name(5)) != nil; ok != tt.ok || !ok && (len(tree.Wrong) != 1 || len(tree.Loose) != 1) {
			t.Errorf("%s: in the tree %v, want %v; wrong %v, loose %v", what, ok, tt.ok, names(tree.Wrong), names(tree.Loose))
		}
	}
	if tree := grown(epoch(5, 0, 9, message.CommitCard{Committer: who(1)})); len(tree.Wrong) != 1 {
		t.Error("a commit that skips a number is in the tree")
	}
}

// TestSurplus: which rivals stay depends on their names alone, also for who is in
// one of them, and what somebody else has built on stays.
func TestSurplus(t *testing.T) {
	var rivals []*Epoch
	for n := byte(10); n < 15; n++ {
		rivals = append(rivals, epoch(n, 0, 8, message.CommitCard{Committer: who(3)}))
	}
	for i := range rivals {
		for _, e := range rivals {
			e.State = StateClosed
		}
		rivals[i].State = StateIn
		if got := names(grown(rivals...).Surplus()); !slices.Equal(got, []byte{14, 13, 12}) {
			t.Errorf("in %d: surplus %v, want 14, 13, 12", i, got)
		}
	}
	own := epoch(20, 14, 9, message.CommitCard{Committer: who(3)})
	if got := names(grown(append(rivals, own)...).Surplus()); !slices.Equal(got, []byte{20, 14, 13, 12}) {
		t.Errorf("with what its author built on it: surplus %v, want 20, 14, 13, 12", got)
	}
	other := epoch(21, 20, 10, message.CommitCard{Committer: who(4)})
	if got := names(grown(append(rivals, own, other)...).Surplus()); !slices.Equal(got, []byte{13, 12}) {
		t.Errorf("with what another built on it: surplus %v, want 13, 12", got)
	}
	two := epoch(22, 0, 8, message.CommitCard{Committer: who(2)})
	if got := names(grown(rivals[0], rivals[1], two).Surplus()); len(got) != 0 {
		t.Errorf("two of one and one of another: surplus %v, want none", got)
	}
}

func TestTooLoose(t *testing.T) {
	var list []*Epoch
	for author := range byte(2) {
		for i := range looseEach + 10 {
			e := epoch(byte(i), 0, 8, message.CommitCard{Committer: who(3 + 6*author)})
			e.Name, e.Parent, e.Seen = message.EpochName{1, author, byte(i >> 8), byte(i)}, name(99), time.Unix(int64(i), 0)
			list = append(list, e)
		}
	}
	tree := grown(list...)
	if got := tree.TooLoose(); len(got) != 20 || got[0].Seen.Unix() < looseEach {
		t.Errorf("%d of %d are too many, want the last 20", len(got), len(list))
	}
	for _, e := range list {
		e.Size = looseBytes
	}
	if got := tree.TooLoose(); len(got) != len(list)-2 {
		t.Errorf("%d of %d large ones are too many, want all but one of each", len(got), len(list))
	}
}

// TestLacks: who was removed is told of its removal, of what is beside it, and not
// of what came after.
func TestLacks(t *testing.T) {
	tree := grown(
		epoch(1, 0, 8, message.CommitCard{Committer: who(1)}),
		epoch(2, 1, 9, message.CommitCard{Committer: who(1), Removed: []rpc.Identity{who(3)}}),
		epoch(3, 2, 10, message.CommitCard{Committer: who(1), Added: []rpc.Identity{who(9)}}),
		epoch(4, 3, 11, message.CommitCard{Committer: who(1), Added: []rpc.Identity{who(3)}}),
		epoch(5, 1, 9, message.CommitCard{Committer: who(2)}),
	)
	for _, tt := range []struct {
		member byte
		known  []message.EpochName
		want   string
	}{
		{2, nil, "[1 2 5 3 4]"},
		{2, []message.EpochName{name(3), name(77)}, "[5 4]"},
		{3, nil, "[1 2 5 4]"},
	} {
		if got := fmt.Sprint(names(tree.Lacks(who(tt.member), tt.known))); got != tt.want {
			t.Errorf("%d, who knows %v, lacks %v, want %v", tt.member, tt.known, got, tt.want)
		}
	}
	if got := names(tree.Tips()); !slices.Equal(got, []byte{4, 5}) {
		t.Errorf("tips: got %v, want 4, 5", got)
	}
}

func TestKeysFor(t *testing.T) {
	at := time.Unix(1000, 0)
	tree := grown(
		epoch(1, 0, 8, message.CommitCard{Committer: who(3)}),
		epoch(2, 0, 8, message.CommitCard{Committer: who(2)}),
	)
	if tree.Top().Name != name(2) {
		t.Fatalf("head is %v, want 2: its committer is senior", tree.Top().Name)
	}
	if got, want := tree.KeysFor(1, at, 0), keptFor-at.Sub(time.Unix(2, 0)); got != want {
		t.Errorf("the losing side: keys for %v, want %v", got, want)
	}
	list := []*Epoch{epoch(1, 0, 8, message.CommitCard{Committer: who(3)}), epoch(2, 0, 8, message.CommitCard{Committer: who(1)})}
	if got, want := grown(list...).KeysFor(1, time.Unix(62, 0), 0), settledFor-time.Minute; got != want {
		t.Errorf("the losing side of what the most senior decided: keys for %v, want %v", got, want)
	}
	// By a clock that is a day ahead they would go at once.
	for _, tt := range []struct{ ahead, held, want time.Duration }{
		{24 * time.Hour, 0, heldFor},
		{24 * time.Hour, heldFor - time.Second, time.Second},
		{24 * time.Hour, heldFor, 0},
		{settledFor + keptFor, 0, heldFor},
		{settledFor + keptFor + time.Second, 0, 0},
	} {
		if got := grown(list...).KeysFor(1, time.Unix(2, 0).Add(tt.ahead), tt.held); got != tt.want {
			t.Errorf("%v later by the clock, held for %v: keys for %v, want %v", tt.ahead, tt.held, got, tt.want)
		}
	}
	list = nil
	for n := byte(1); n < 20; n++ {
		list = append(list, epoch(n, n-1, 7+uint64(n), message.CommitCard{Committer: who(2)}))
	}
	if tree := grown(list...); tree.KeysFor(2, time.Unix(20, 0), 0) != 0 || tree.KeysFor(3, time.Unix(20, 0), 0) == 0 {
		t.Error("the keys of 16 epochs above the head are kept, want those of no more")
	}
}

// TestHeavy: commits are bounded in bytes: those that were opened go first.
func TestHeavy(t *testing.T) {
	var list []*Epoch
	for n := byte(1); n <= 5; n++ {
		e := epoch(n, n-1, 7+uint64(n), message.CommitCard{Committer: who(2)})
		e.Size = maxMessages / 4
		list = append(list, e)
	}
	list[0].State, list[3].State = StateNew, StateNew
	if got := names(grown(list...).Heavy()); !slices.Equal(got, []byte{2}) {
		t.Errorf("one too many: got %v, want 2", got)
	}
	for _, e := range list {
		e.State = StateNew
	}
	if got := names(grown(list...).Heavy()); !slices.Equal(got, []byte{5}) {
		t.Errorf("none opened: got %v, want 5", got)
	}
	if got := grown(list[:4]...).Heavy(); len(got) > 0 {
		t.Errorf("not too many: got %v", names(got))
	}
}

// TestAlone: what one member commits alone is bounded also as a chain.
func TestAlone(t *testing.T) {
	var list []*Epoch
	parent := name(0)
	for n := range maxAlone + 5 {
		e := epoch(0, 0, 8+uint64(n), message.CommitCard{Committer: who(3)})
		e.Name, e.Parent = message.EpochName{9, byte(n >> 8), byte(n)}, parent
		e.Card.Parent = parent
		list, parent = append(list, e), e.Name
	}
	if got := grown(list...).Surplus(); len(got) != 5 {
		t.Errorf("%d are too many, want 5", len(got))
	}
}
