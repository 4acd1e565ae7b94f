package headmodel

import (
	"context"
	"slices"
	"testing"
	"time"

	"quicnprotochat/node/charter"
)

// forOthers are scenarios in which what an admin did goes down with its branch, and the
// admin is gone. In is who is in the group in the end, as a set.
var forOthers = []struct {
	config
	steps []step
	in    uint8
}{
	{config{name: "an Add", n: 4, admins: 2, commits: 2, quits: 1, join: true}, []step{
		{kind: commits, a: 1, change: adds, set: 8},
		{kind: delivers, a: 1, b: 2},
		{kind: welcomes, a: 1},
		{kind: commits, a: 0},
		{kind: delivers, a: 1, b: 0},
		{kind: delivers, a: 2, b: 2},
		{kind: vanishes, a: 1},
	}, 15},
	{config{name: "an Add, the most senior gone as well", n: 4, admins: 3, commits: 2, quits: 2, join: true}, []step{
		{kind: commits, a: 2, change: adds, set: 8},
		{kind: welcomes, a: 1},
		{kind: commits, a: 1},
		{kind: vanishes, a: 0},
		{kind: delivers, a: 1, b: 1},
		{kind: vanishes, a: 2},
	}, 15},
	{config{name: "an Add by an admin who is none any more", n: 4, admins: 2, commits: 2, quits: 1, join: true, lists: true}, []step{
		{kind: commits, a: 1, change: adds, set: 8},
		{kind: delivers, a: 1, b: 2},
		{kind: welcomes, a: 1},
		{kind: commits, a: 0, change: demotes, set: 2},
		{kind: delivers, a: 1, b: 0},
		{kind: vanishes, a: 1},
	}, 7},
	{config{name: "a Remove", n: 4, admins: 2, commits: 2, quits: 1, remove: true}, []step{
		{kind: commits, a: 1, change: removes, set: 8},
		{kind: delivers, a: 1, b: 2},
		{kind: commits, a: 0},
		{kind: delivers, a: 1, b: 0},
		{kind: vanishes, a: 1},
	}, 7},
	{config{name: "a Remove of two, one of them removed by the other branch as well", n: 5, admins: 2, commits: 2, quits: 1, remove: true, pairs: true}, []step{
		{kind: commits, a: 1, change: removes, set: 8 | 16},
		{kind: delivers, a: 1, b: 2},
		{kind: commits, a: 0, change: removes, set: 8},
		{kind: delivers, a: 1, b: 0},
		{kind: vanishes, a: 1},
	}, 7},
}

// TestForOthers: another admin commits it again, in the model, and a while later in the
// code; all who are left come to one epoch, with the same members.
func TestForOthers(t *testing.T) {
	for _, c := range forOthers {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := newPlay(t, c.config)
			for _, step := range c.steps {
				if !slices.Contains(p.moves(p.s, nil), step) {
					t.Fatalf("nobody can do that: %s", step)
				}
				p.do(step)
				if bad := p.differs(); bad != "" {
					t.Fatalf("%s: %s", step, bad)
				}
			}
			s := *p.s
			if p.close(&s, true) < 0 {
				t.Fatal("no quiet in the model")
			}
			ref, bad := p.agree(&s, true)
			if bad != "" || s.in(ref) != c.in {
				t.Fatalf("the model: in are %05b, want %05b %s", s.in(ref), c.in, bad)
			}
			p.talkOn()
			for i, a := range p.all {
				if c.in&mbit(int8(i)) == 0 || !p.there(p.s, int8(i)) {
					continue
				}
				shape, err := a.groups.Shape(context.Background(), charter.ConversationID(p.group))
				must(t, err)
				in := uint8(0)
				for _, m := range shape.Members {
					in |= mbit(int8(slices.IndexFunc(p.all, func(o *actor) bool { return o.id.ID() == m.Identity })))
				}
				if in != c.in || shape.Conversation.Status != "" {
					t.Errorf("the code: for m%d, which is %q, in are %05b, want %05b", i, shape.Conversation.Status, in, c.in)
				}
			}
			for _, a := range p.all {
				must(t, a.store.Close())
			}
		})
	}
}

// talkOn lets those who are there go on for some minutes: each does what is due, and
// tells all others what it knows.
func (p *play) talkOn() {
	p.t.Helper()
	done := make(map[string]bool)
	for range 6 {
		for i, a := range p.all {
			if !p.there(p.s, int8(i)) {
				continue
			}
			a.ahead += 30 * time.Second
			a.tend(p.group)
			for k, o := range p.all {
				if o == a || !p.there(p.s, int8(k)) {
					continue
				}
				if a.wants(o) {
					must(p.t, a.engine.Start(context.Background(), o.id.ID(), o.keyPackage()))
					a.tend(p.group)
				}
				if frame := a.welcome(p.group, o); len(frame) > 0 && !done[string(frame)] {
					done[string(frame)] = true
					must(p.t, o.receive(frame))
				}
				o.give(a.commits(p.group)...)
			}
		}
	}
}
