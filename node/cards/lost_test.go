package cards

import (
	"testing"
	"time"

	"quicnprotochat/node/message"
	"quicnprotochat/rpc"
)

// TestLostBy: what an admin did on a branch that lost is for another one to do again,
// unless it has come true, was undone or decided otherwise, or is not for either of them.
func TestLostBy(t *testing.T) {
	admins := func(ids ...rpc.Identity) *message.GroupProfile {
		return &message.GroupProfile{Name: "friends", Admins: ids}
	}
	// better is what the most senior member does beside it.
	better := func(card message.CommitCard) *Epoch {
		card.Committer = who(1)
		return epoch(20, 0, 8, card)
	}
	plain := better(message.CommitCard{})
	adds := epoch(1, 0, 8, message.CommitCard{Committer: who(2), Added: []rpc.Identity{who(9)}})
	removes := epoch(1, 0, 8, message.CommitCard{Committer: who(2), Removed: []rpc.Identity{who(4)}})
	closed := *adds
	closed.State = StateClosed
	for what, tt := range map[string]struct {
		self byte
		tree []*Epoch
		want rpc.Identity
	}{
		"an Add":                      {1, []*Epoch{adds, plain}, who(9)},
		"a Remove":                    {1, []*Epoch{removes, plain}, who(4)},
		"for no admin":                {3, []*Epoch{adds, plain}, rpc.Identity{}},
		"one's own":                   {2, []*Epoch{adds, plain}, rpc.Identity{}},
		"it has not lost":             {1, []*Epoch{adds}, rpc.Identity{}},
		"it does not open":            {1, []*Epoch{&closed, plain}, rpc.Identity{}},
		"an Add by no admin any more": {1, []*Epoch{adds, better(message.CommitCard{Profile: admins(who(1))})}, rpc.Identity{}},
		"an Add that has come true":   {1, []*Epoch{adds, better(message.CommitCard{Added: []rpc.Identity{who(9)}})}, rpc.Identity{}},
		"an Add after which the other admin removed it": {1, []*Epoch{
			adds, better(message.CommitCard{Added: []rpc.Identity{who(9)}}),
			epoch(21, 20, 9, message.CommitCard{Committer: who(1), Removed: []rpc.Identity{who(9)}}),
		}, rpc.Identity{}},
		"an Add that was undone": {1, []*Epoch{
			adds, epoch(2, 1, 9, message.CommitCard{Committer: who(2), Removed: []rpc.Identity{who(9)}}), plain,
		}, rpc.Identity{}},
		"a Remove that has come true": {1, []*Epoch{removes, better(message.CommitCard{Removed: []rpc.Identity{who(4)}})}, rpc.Identity{}},
		"a Remove, with the list changed": {1, []*Epoch{
			removes, better(message.CommitCard{Profile: admins(who(1), who(4), who(2))}),
		}, rpc.Identity{}},
		"a Remove of somebody who left": {1, []*Epoch{
			epoch(1, 0, 8, message.CommitCard{Committer: who(2), Removed: []rpc.Identity{who(4)}, Leaves: []message.Leave{{Who: who(4), Epoch: name(0)}}}), plain,
		}, rpc.Identity{}},
	} {
		t.Run(what, func(t *testing.T) {
			tree := grown(tt.tree...)
			if len(tree.Wrong) > 0 {
				t.Fatalf("%v are against the rules", names(tree.Wrong))
			}
			tree.Choose(who(tt.self), func(message.EpochName) bool { return true })
			lost := tree.LostBy(who(tt.self))
			switch {
			case tt.want == rpc.Identity{} && len(lost) == 0:
			case len(lost) != 1 || lost[0].Who != tt.want || lost[0].Added != (tt.want == who(9)):
				t.Errorf("got %+v, want it of %d alone", lost, tt.want[0])
			case lost[0].Since != time.Unix(20, 0):
				t.Errorf("since %v, want since the better one was seen", lost[0].Since)
			}
		})
	}
}
