package headmodel

import (
	"fmt"
	"math/bits"
)

// kind is what the adversary does in a step.
type kind int8

const (
	commits  kind = iota // a commits on b
	delivers             // record a reaches member b
	expires              // a erases its old keys
	vanishes             // a is gone for ever
	crashes              // a loses what is not synced
	offers               // a gives b the GroupInfo of epoch e
	rejoins              // a comes back by an external commit
	welcomes             // the Welcome of record a reaches the joiner
)

// way is how well a commit is made.
type way int8

const (
	good       way = iota
	worse          // its hash is larger
	garbled        // it opens for nobody else
	garbledOne     // it does not open for the last member
)

// change is what a commit does beside an update of its committer's keys.
type change int8

const (
	nothing  change = iota
	removes         // the members of the set
	adds            // the joiner
	promotes        // the member of the set
	demotes         // the member of the set
)

// step is one move of the adversary.
type step struct {
	kind    kind
	a, b, e int8
	change  change
	set     uint8 // of members
	way     way
}

func (t step) String() string {
	who := fmt.Sprintf("m%d ", t.a)
	switch t.kind {
	case commits:
		s := fmt.Sprintf("%scommits on e%d", who, t.b)
		s += []string{"", ", removes", ", adds", ", promotes", ", demotes"}[t.change]
		for set := t.set; set != 0; set &= set - 1 {
			s += fmt.Sprintf(" m%d", bits.TrailingZeros8(set))
		}
		return s + []string{"", " (larger hash)", " (garbled for all others)", " (garbled for the last member)"}[t.way]
	case delivers:
		return fmt.Sprintf("e%d reaches m%d", t.a, t.b)
	case offers:
		return fmt.Sprintf("%soffers GroupInfo of e%d to m%d", who, t.e, t.b)
	case welcomes:
		return fmt.Sprintf("the Welcome of e%d reaches the joiner", t.a)
	}
	return who + map[kind]string{
		expires: "erases old keys", vanishes: "vanishes for ever", crashes: "crashes", rejoins: "rejoins by an external commit",
	}[t.kind]
}

// moves lists what the adversary may do in a state.
func (x *model) moves(s *state, out []step) []step {
	for i := int8(0); i < int8(x.n); i++ {
		m := &s.m[i]
		if m.gone || m.out {
			continue
		}
		out = x.commitsOf(s, i, out)
		for e := int8(1); e < s.n; e++ {
			if m.has&bit(e) == 0 {
				out = append(out, step{kind: delivers, a: e, b: i})
			}
			if x.join && i == 0 && s.c[e].add != 0 && s.m[x.n-1].out {
				out = append(out, step{kind: welcomes, a: e})
			}
		}
		if !x.honest(i) {
			continue
		}
		out = x.offersTo(s, i, out)
		if h := bit(m.head); m.held&^m.erased&h == 0 && s.in(m.head)&mbit(i) != 0 {
			out = append(out, step{kind: rejoins, a: i})
		}
		if s.expires > 0 && m.held&^m.erased&^bit(m.last) != 0 {
			out = append(out, step{kind: expires, a: i})
		}
		if s.quits > 0 {
			out = append(out, step{kind: vanishes, a: i})
		}
		if s.dies > 0 {
			out = append(out, step{kind: crashes, a: i})
		}
	}
	return out
}

// commitsOf lists the commits that a member may make: on its head if it is honest,
// anywhere if it is not.
func (x *model) commitsOf(s *state, i int8, out []step) []step {
	m := &s.m[i]
	from, to, ways := m.head, m.head, []way{good}
	if !x.honest(i) {
		from, to, ways = 0, s.n-1, []way{good, worse}
		if x.garble {
			ways = append(ways, garbled, garbledOne)
		}
	}
	for p := from; p <= to; p++ {
		if x.honest(i) && (s.commits == 0 || !s.active(i)) ||
			!x.honest(i) && (s.badCommits == 0 || m.held&bit(p) == 0 || s.in(p)&mbit(i) == 0) {
			continue
		}
		for _, w := range ways {
			at := step{kind: commits, a: i, b: p, way: w}
			out = append(out, at)
			if s.isAdmin(p, i) {
				out = x.changesOf(s, at, out)
			}
		}
	}
	return out
}

// changesOf lists what an admin may do with a commit.
func (x *model) changesOf(s *state, at step, out []step) []step {
	do := func(c change, set uint8) {
		at.change, at.set = c, set
		out = append(out, at)
	}
	i, p, n := at.a, at.b, int8(x.n)
	var may []uint8
	for t := int8(0); t < n; t++ {
		if t != i && s.in(p)&mbit(t) != 0 && (x.weak || s.senior(p, i, t)) {
			may = append(may, mbit(t))
		}
		if !x.lists || t == i || s.in(p)&mbit(t) == 0 {
			continue
		}
		switch {
		case !s.isAdmin(p, t) && list(s.c[p].admins).len() < 6:
			do(promotes, mbit(t))
		case s.isAdmin(p, t) && s.senior(p, i, t):
			do(demotes, mbit(t))
		}
	}
	for k, one := range may {
		if x.remove {
			do(removes, one)
		}
		for _, two := range may[:k] {
			if x.pairs {
				do(removes, one|two)
			}
		}
	}
	if x.join && s.in(p)&mbit(n-1) == 0 {
		do(adds, mbit(n-1))
	}
	return out
}

// offersTo lists the GroupInfo that others may give a member.
func (x *model) offersTo(s *state, i int8, out []step) []step {
	m := &s.m[i]
	for j := int8(0); j < int8(x.n); j++ {
		if j == i || s.m[j].out || s.m[j].gone {
			continue
		}
		set := bit(s.m[j].head)
		if !x.honest(j) {
			set = s.m[j].held
		} else if !s.active(j) {
			continue
		}
		for d := set &^ (m.info | m.held) &^ 1; d != 0; d &= d - 1 {
			if e := int8(bits.TrailingZeros32(d)); s.in(e)&mbit(i) != 0 {
				out = append(out, step{kind: offers, a: j, b: i, e: e})
			}
		}
	}
	return out
}

// apply does a step.
func (x *model) apply(s *state, t step) {
	switch t.kind {
	case commits:
		x.applyCommit(s, t)
	case delivers:
		s.m[t.b].has |= bit(t.a)
		x.open(s, t.b)
	case expires:
		s.expires--
		m := &s.m[t.a]
		m.erased |= m.held &^ bit(m.last) // never the epoch it is in before it is in the next
		x.open(s, t.a)
		m.sync()
	case vanishes:
		s.quits--
		s.m[t.a].gone = true
	case crashes: // what was not applied was not synced
		s.dies--
		m := &s.m[t.a]
		m.has, m.settled, m.info = m.synced, m.syncedSettled, 0
		x.open(s, t.a)
	case offers:
		s.m[t.b].info |= bit(t.e)
		s.m[t.b].has |= s.above(t.e) // it comes with the cards up to it
		x.open(s, t.b)
	case rejoins:
		x.rejoin(s, t.a)
	case welcomes:
		x.welcome(s, int8(x.n-1), t.a)
	}
}

func (x *model) applyCommit(s *state, t step) {
	if x.honest(t.a) {
		s.commits--
	} else {
		s.badCommits--
	}
	r := record{change: t.change, set: t.set, hash: uint16(t.way & 1)}
	switch t.way {
	case garbled:
		r.hash, r.garb = 0, 0xff&^mbit(t.a)
	case garbledOne:
		r.hash, r.garb = 0, mbit(int8(x.n-1))&^mbit(t.a)
	}
	x.add(s, t.a, t.b, r)
}

// start is the state before anything was done.
func (x *model) start() *state {
	s := &state{n: 1, commits: x.commits, badCommits: x.bad, expires: x.expires, quits: x.quits, dies: x.di}
	r := &s.c[0]
	r.par, r.by, r.in = -1, -1, mbit(int8(x.n))-1
	if x.join {
		r.in &^= mbit(int8(x.n - 1))
	}
	for i := range int8(x.n) {
		if int(i) < x.admins {
			r.admins = uint32(list(r.admins).with(i))
		}
		if r.in&mbit(i) != 0 {
			r.leaves = uint32(list(r.leaves).with(i))
		}
		s.m[i] = member{has: 1, held: 1, synced: 1}
	}
	if x.join {
		s.m[x.n-1] = member{out: true}
	}
	return s
}
