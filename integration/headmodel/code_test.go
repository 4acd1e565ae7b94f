package headmodel

import (
	"context"
	"encoding/binary"
	"flag"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"testing"

	"quicnprotochat/node/charter"
	"quicnprotochat/node/message"
	"quicnprotochat/rpc"
)

var plays = flag.Int("model.plays", 1, "random walks of 30 steps of the real code in each scenario")

// play is a scenario that the model and the real code go through together.
type play struct {
	*model
	t        *testing.T
	s        *state
	all      []*actor
	group    []byte
	names    []message.EpochName // of the records
	made     []message.Commit
	root     uint64 // number of the epoch at which the model begins
	welcomes map[int8][]byte
}

// newPlay makes a group of the members and admins of a scenario.
func newPlay(t *testing.T, c config) *play {
	t.Helper()
	ctx := context.Background()
	p := &play{model: &model{config: c}, t: t, welcomes: make(map[int8][]byte)}
	p.s = p.start()
	for range c.n {
		p.all = append(p.all, newActor(t))
	}
	meet(p.all)
	a, others := p.all[0], among(p.all, p.s.in(0)&^1)
	made, err := a.groups.Create(ctx, "group", identities(others))
	must(t, err)
	p.group = made.Group
	for _, o := range others {
		must(t, a.engine.Start(ctx, o.id.ID(), o.keyPackage()))
	}
	a.tend(p.group)
	for _, o := range others {
		must(t, o.receive(a.welcome(p.group, o)))
	}
	a.forget(p.group)
	if p.admins > 1 {
		for _, o := range p.all[1:p.admins] {
			must(t, a.groups.Promote(ctx, made.ID, o.id.ID()))
		}
		a.tend(p.group)
		for _, o := range others {
			o.give(a.commit(p.group, a.head(p.group)))
		}
	}
	for _, o := range append(others, a) {
		o.forget(p.group)
	}
	shape, err := a.groups.Shape(ctx, made.ID)
	must(t, err)
	p.root = shape.Epoch
	p.names, p.made = []message.EpochName{a.head(p.group)}, []message.Commit{{}}
	return p
}

// may reports whether the real code can do a step: a faulty member does nothing but
// update its keys, and an honest one nothing while it takes itself for removed.
func (p *play) may(t step) bool {
	switch t.kind {
	case commits:
		return p.honest(t.a) && !p.silent(p.s, t.a) || !p.honest(t.a) && t.change == nothing
	case rejoins:
		return !p.silent(p.s, t.a)
	}
	return true
}

// do does a step in the model and in the code.
func (p *play) do(t step) {
	p.t.Helper()
	before := *p.s
	switch t.kind {
	case commits:
		p.commit(t)
		return
	case rejoins:
		p.apply(p.s, t)
		a := p.all[t.a]
		a.tend(p.group)
		p.keep(a)
		return
	case crashes:
		p.s.m[t.a].info = 0
		p.s.dies--
		p.open(p.s, t.a)
		p.all[t.a].crash()
		return
	}
	p.apply(p.s, t)
	switch t.kind {
	case delivers:
		p.bring(t.b, before.m[t.b].held)
	case offers:
		p.bring(t.b, before.m[t.b].held)
		p.all[t.b].giveInfo(p.all[t.a].info(p.names[t.e]))
	case expires:
		m := &p.s.m[t.a]
		var names []message.EpochName
		for set := m.erased &^ before.m[t.a].erased; set != 0; set &= set - 1 {
			names = append(names, p.names[bits.TrailingZeros32(set)])
		}
		p.all[t.a].expire(p.group, names)
	case welcomes:
		must(p.t, p.all[p.n-1].receive(p.welcomes[t.a]))
		p.all[p.n-1].forget(p.group)
	}
}

// bring gives a member all that it knows in the model: of what is garbled for it, it
// gets the card.
func (p *play) bring(i int8, held uint32) {
	p.t.Helper()
	if !p.honest(i) {
		for set := p.s.m[i].held &^ held; set != 0; set &= set - 1 {
			e := bits.TrailingZeros32(set)
			p.all[i].enter(p.group, p.names[p.s.c[e].par], p.names[e], p.made[e].Message)
		}
		return
	}
	var list []message.Commit
	for e := int8(1); e < p.s.n; e++ {
		if p.s.m[i].has&bit(e) == 0 || p.s.c[e].by == i {
			continue
		}
		c := p.made[e]
		if p.s.c[e].garb&mbit(i) != 0 {
			c.Message = nil
		}
		list = append(list, c)
	}
	if len(list) > 0 {
		p.all[i].give(list...)
	}
}

// keep notes the epoch that a member has just made.
func (p *play) keep(a *actor) {
	p.t.Helper()
	name := a.head(p.group)
	p.names, p.made = append(p.names, name), append(p.made, a.commit(p.group, name))
	a.forget(p.group)
}

// commit commits in the code first: the order of names is given by that.
func (p *play) commit(t step) {
	p.t.Helper()
	a := p.all[t.a]
	if p.honest(t.a) {
		p.want(a, t)
		a.tend(p.group)
		if t.change == adds {
			p.welcomes[p.s.n] = a.welcome(p.group, p.all[p.n-1])
		}
		p.keep(a)
	} else {
		number := p.root + 1
		for e := t.b; e > 0; e = p.s.c[e].par {
			number++
		}
		name, made := a.forge(p.group, p.names[t.b], number)
		p.names, p.made = append(p.names, name), append(p.made, made)
	}
	p.apply(p.s, t)
	// The real name decides; what stood on the order of before is looked at again.
	p.s.c[p.s.n-1].hash = binary.BigEndian.Uint16(p.names[p.s.n-1][:])
	for i := range int8(p.n) {
		if p.there(p.s, i) {
			p.open(p.s, i)
		}
	}
}

// want says what a member is to commit.
func (p *play) want(a *actor, t step) {
	p.t.Helper()
	ctx, id := context.Background(), charter.ConversationID(p.group)
	about := map[change]func(context.Context, [16]byte, rpc.Identity) error{
		removes: a.groups.Remove, promotes: a.groups.Promote, demotes: a.groups.Demote,
	}[t.change]
	switch t.change {
	case nothing:
		must(p.t, a.groups.Update(ctx, id))
	case adds:
		joiner := p.all[p.n-1]
		must(p.t, a.groups.Invite(ctx, id, []rpc.Identity{joiner.id.ID()}))
		must(p.t, a.engine.Start(ctx, joiner.id.ID(), joiner.keyPackage()))
	default:
		for _, who := range among(p.all, t.set) {
			must(p.t, about(ctx, id, who.id.ID()))
		}
	}
}

// differs says where the model and the code do not come to the same.
func (p *play) differs() string {
	for i, a := range p.all {
		m := int8(i)
		if !p.there(p.s, m) || !p.s.active(m) {
			continue
		}
		if got, want := a.head(p.group), p.names[p.s.m[m].head]; got != want {
			e := -1
			for i, name := range p.names {
				if name == got {
					e = i
				}
			}
			return fmt.Sprintf("m%d is at e%d in the model and at e%d in the code", m, p.s.m[m].head, e)
		}
	}
	return ""
}

// TestCode lets the real code go through the scenarios of the model: both must
// come to the same head after each step.
func TestCode(t *testing.T) {
	for _, c := range scenarios {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for n := range *plays {
				rng := rand.New(rand.NewPCG(*seed, uint64(n)))
				p := newPlay(t, c.doubled())
				var trace []step
				for range 30 {
					var list []step
					for _, step := range p.moves(p.s, nil) {
						if p.may(step) {
							list = append(list, step)
						}
					}
					if len(list) == 0 {
						break
					}
					next := list[rng.IntN(len(list))]
					trace = append(trace, next)
					p.do(next)
					bad := p.differs()
					if bad != "" || t.Failed() {
						t.Fatal(found{bad: bad, trace: trace})
					}
				}
				for _, a := range p.all {
					must(t, a.store.Close())
				}
			}
		})
	}
}
