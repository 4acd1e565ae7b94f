package headmodel

import (
	"flag"
	"fmt"
	"hash/maphash"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

var (
	states = flag.Int("model.states", 1500, "states to search in each scenario")
	walks  = flag.Int("model.walks", 25, "random walks of 40 steps in each scenario, with doubled budgets")
	seed   = flag.Uint64("model.seed", 1, "what the walks are drawn from")
	drop   = flag.String("model.drop", "", "a part of the rule to leave out in TestModel: enter, evict, keepown, extcounts")
	limit  = flag.Duration("model.time", 0, "the longest time for each scenario; 0 means none")
)

var hashing = maphash.MakeSeed()

// until is when a scenario is to end; the zero time if it is not.
func until() time.Time {
	if *limit == 0 {
		return time.Time{}
	}
	return time.Now().Add(*limit)
}

func late(end time.Time) bool { return !end.IsZero() && time.Now().After(end) }

// found is what a search or walks came to.
type found struct {
	states, depth int
	full          bool // all there are
	bad           string
	trace         []step
}

func (f found) String() string {
	var b strings.Builder
	b.WriteString(f.bad)
	for i, t := range f.trace {
		fmt.Fprintf(&b, "\n  %2d. %s", i+1, t)
	}
	return b.String()
}

// search goes breadth first, up to a number of states.
func (x *model) search(most int, end time.Time) (f found) {
	type node struct {
		from int32
		by   step
	}
	type item struct {
		id int32
		s  *state
	}
	s := x.start()
	seen := map[uint64]struct{}{maphash.Comparable(hashing, *s): {}}
	nodes, front := []node{{from: -1}}, []item{{0, s}}
	var list []step
	for f.full = true; len(front) > 0; f.depth++ {
		var next []item
		for _, it := range front {
			if f.bad = x.check(it.s); f.bad != "" {
				for id := it.id; nodes[id].from >= 0; id = nodes[id].from {
					f.trace = append([]step{nodes[id].by}, f.trace...)
				}
				f.states = len(seen)
				return f
			}
			if len(seen) >= most || late(end) {
				f.full = false
				continue
			}
			list = x.moves(it.s, list[:0])
			for _, t := range list {
				c := *it.s
				x.apply(&c, t)
				k := maphash.Comparable(hashing, c)
				if _, ok := seen[k]; ok {
					continue
				}
				seen[k] = struct{}{}
				nodes = append(nodes, node{it.id, t})
				next = append(next, item{int32(len(nodes) - 1), &c})
			}
		}
		front = next
	}
	f.states = len(seen)
	return f
}

// walk goes deep at random and checks at each third step.
func (x *model) walk(n int, rng *rand.Rand, end time.Time, look func(*state)) (f found) {
	var list []step
	for ; f.states < n && !late(end); f.states++ {
		s := x.start()
		f.trace = nil
		for f.depth = 1; f.depth <= 40; f.depth++ {
			if list = x.moves(s, list[:0]); len(list) == 0 {
				break
			}
			t := list[rng.IntN(len(list))]
			x.apply(s, t)
			f.trace = append(f.trace, t)
			if f.depth%3 != 0 && f.depth != 40 {
				continue
			}
			look(s)
			if f.bad = x.check(s); f.bad != "" {
				return f
			}
		}
	}
	f.trace = nil
	return f
}

// doubled is a scenario in which the adversary may do twice as much.
func (c config) doubled() config {
	c.commits, c.bad, c.expires = 2*c.commits, 2*c.bad, 2*c.expires
	return c
}

// TestModel searches all scenarios, and walks in them with doubled budgets.
func TestModel(t *testing.T) {
	for _, c := range scenarios {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := (&model{config: c, drop: *drop}).search(*states, until())
			t.Logf("%d states, depth %d, all of them: %v", f.states, f.depth, f.full)
			if f.bad != "" {
				t.Fatal(f)
			}
			x := &model{config: c.doubled(), drop: *drop}
			f = x.walk(*walks, rand.New(rand.NewPCG(*seed, 0)), until(), func(*state) {})
			t.Logf("%d walks", f.states)
			if f.bad != "" {
				t.Fatal(f)
			}
		})
	}
}

// TestPlanted leaves out a part of the rule at a time: that must be found, and is not
// there with it.
func TestPlanted(t *testing.T) {
	for _, p := range planted {
		t.Run(p.drop, func(t *testing.T) {
			t.Parallel()
			if p.steps == nil {
				f := (&model{config: p.in, drop: p.drop}).search(10_000, time.Time{})
				if f.bad == "" {
					t.Fatalf("%s: not found in %d states", p.in.name, f.states)
				}
				t.Logf("%s: %d states, %s", p.in.name, f.states, f)
				return
			}
			for _, drop := range []string{p.drop, ""} {
				x := &model{config: p.in, drop: drop}
				s := x.start()
				for _, step := range p.steps {
					x.apply(s, step)
				}
				if bad := x.check(s); (bad == "") != (drop == "") {
					t.Errorf("%s, left out %q: %q", p.in.name, drop, bad)
				}
			}
		})
	}
}
