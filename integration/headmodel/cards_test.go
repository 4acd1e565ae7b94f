package headmodel

import (
	"fmt"
	"math/bits"
	"math/rand/v2"
	"slices"
	"testing"

	"quicnprotochat/node/cards"
	"quicnprotochat/node/message"
	"quicnprotochat/rpc"
)

// person is a member as node/cards knows it.
func person(m int8) rpc.Identity { return rpc.Identity{byte(m) + 1} }

func people(set uint8) (all []rpc.Identity) {
	for ; set != 0; set &= set - 1 {
		all = append(all, person(int8(bits.TrailingZeros8(set))))
	}
	return all
}

// persons is a list as node/cards has it.
func (l list) persons() (all []rpc.Identity) {
	for i := range l.len() {
		if m := l.at(i); m == blank {
			all = append(all, rpc.Identity{})
		} else {
			all = append(all, person(m))
		}
	}
	return all
}

// name is that of a record: names are in the order of the hashes.
func (s *state) name(e int8) message.EpochName {
	if e == 0 {
		return message.EpochName{0xff}
	}
	return message.EpochName{byte(s.c[e].hash >> 8), byte(s.c[e].hash), byte(e)}
}

// card is the card of a record.
func (s *state) card(e int8) *message.CommitCard {
	r := &s.c[e]
	c := &message.CommitCard{
		Parent: s.name(r.par), Committer: person(r.by), External: r.ext, Removed: people(r.rem), Added: people(r.add),
	}
	for p := e; p > 0; p = s.c[p].par {
		c.Number++
	}
	if r.admins != s.c[r.par].admins {
		c.Profile = &message.GroupProfile{Name: "group", Admins: list(r.admins).persons()}
	}
	return c
}

// cardsOf is what a member knows, as node/group brings it to node/cards.
func (s *state) cardsOf(i int8, known uint32) *cards.Tree {
	of := func(e int8) *cards.Epoch {
		epoch := &cards.Epoch{Name: s.name(e)}
		if s.m[i].held&^s.m[i].erased&bit(e) != 0 {
			epoch.State = cards.StateIn
		}
		return epoch
	}
	var below []*cards.Epoch
	for e := int8(1); e < s.n; e++ {
		if known&bit(e) == 0 {
			continue
		}
		epoch := of(e)
		epoch.Card, epoch.Parent = s.card(e), s.name(s.c[e].par)
		below = append(below, epoch)
	}
	root := &message.GroupRoot{
		Name: s.name(0), Leaves: list(s.c[0].leaves).persons(),
		Profile: message.GroupProfile{Name: "group", Admins: list(s.c[0].admins).persons()},
	}
	return cards.New(root, of(0), below)
}

// compare says where the model and node/cards do not come to the same for a member.
func (x *model) compare(s *state, i int8) string {
	has := s.m[i].has
	offered := func(name message.EpochName) bool {
		for e := int8(0); e < s.n; e++ {
			if s.m[i].info&bit(e) != 0 && s.name(e) == name {
				return true
			}
		}
		return false
	}
	t := s.cardsOf(i, has)
	t.Choose(person(i), offered)
	if len(t.Wrong) > 0 {
		return "a card is against the rules of the group"
	}
	// What is too many, with what hangs on it.
	reach := s.reach(has)
	kept := s.reach(has &^ x.evicted(s, has))
	surplus := t.Surplus()
	for e := int8(1); e < s.n; e++ {
		dropped := slices.ContainsFunc(surplus, func(o *cards.Epoch) bool { return o.Name == s.name(e) })
		if dropped != (reach&^kept&bit(e) != 0) {
			return fmt.Sprintf("e%d is dropped: node/cards says %v", e, dropped)
		}
	}
	t = s.cardsOf(i, kept)
	t.Choose(person(i), offered)
	for e := int8(0); e < s.n; e++ {
		if kept&bit(e) == 0 {
			continue
		}
		r := t.At(s.name(e)).Roster
		for m := int8(0); m < int8(x.n); m++ {
			rank, ok := s.rank(int(e), int(m))
			if got, there := r.Rank(person(m)); got != rank || there != ok || r.IsAdmin(person(m)) != s.isAdmin(e, m) {
				return fmt.Sprintf("m%d has rank %d in e%d, node/cards says %d", m, rank, e, got)
			}
		}
	}
	if got, want := t.Top().Name, s.name(s.m[i].head); got != want {
		return fmt.Sprintf("the head is %x, node/cards says %x", want, got)
	}
	return ""
}

// TestCards drives node/cards through the scenarios of the model: who is in an
// epoch, their order, what is too many and the head must be the same.
func TestCards(t *testing.T) {
	for _, c := range scenarios {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			x := &model{config: c.doubled()}
			looked := 0
			look := func(s *state) {
				for i := range int8(x.n) {
					if s.m[i].out || s.m[i].gone || !x.honest(i) || t.Failed() {
						continue
					}
					looked++
					if bad := x.compare(s, i); bad != "" {
						t.Errorf("for m%d: %s", i, bad)
					}
				}
				if bad := x.check(s); bad != "" {
					t.Error(bad)
				}
			}
			f := x.walk(*walks, rand.New(rand.NewPCG(*seed, 1)), until(), look)
			if t.Failed() {
				t.Fatal(f)
			}
			t.Logf("%d walks, compared %d times", f.states, looked)
		})
	}
}
