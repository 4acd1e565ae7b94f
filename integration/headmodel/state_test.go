package headmodel

import "quicnprotochat/node/epochs"

const maxMembers, maxRecords = 5, 32 // the root included

// record is a commit with its card.
type record struct {
	par, by  int8
	ext      bool
	change   change // what it does to the members of set
	set      uint8
	rem, add uint8  // who is removed and added by that
	garb     uint8  // for whom it does not open
	in       uint8  // who is in the epoch that it leads to
	admins   uint32 // those of that epoch: see list
	leaves   uint32 // its members by leaf, blank for nobody: see list
	hash     uint16
	intent   uint8
}

// member is what one member knows.
type member struct {
	has, held, erased, info uint32 // sets of records: known, keys held at some time, keys gone, offered
	settled                 uint32 // epochs it took for settled
	// What of has and settled a crash leaves: all that was there at the last durable
	// step.
	synced, syncedSettled uint32
	head, last            int8 // chosen; the last one it was in
	gone, out             bool // vanished; not joined yet
}

// state is a group and what the adversary may still spend.
type state struct {
	n                                         int8 // records in use
	commits, badCommits, expires, quits, dies int8
	c                                         [maxRecords]record
	m                                         [maxMembers]member
}

// config is a scenario.
type config struct {
	name               string
	n, admins          int
	faulty             uint8
	commits, bad       int8
	expires, quits, di int8
	remove, garble     bool
	join               bool // the last member joins by a Welcome
	weak               bool // an admin may remove somebody senior
	pairs              bool // two may be removed at once
	lists              bool // the list of admins may change
}

// model runs one scenario.
type model struct {
	config
	drop string // the part of the rule that is left out
}

func bit(i int8) uint32 { return 1 << uint(i) }
func mbit(i int8) uint8 { return 1 << uint(i) }

// blank stands in a list for a leaf on which nobody is.
const blank = 15

// list is at most 7 members: a nibble for each, the first lowest, and their number
// in the top nibble.
type list uint32

func (l list) len() int      { return int(l >> 28) }
func (l list) at(i int) int8 { return int8(l >> (4 * i) & 15) }
func (l list) set(i int, m int8) list {
	return l&^(15<<(4*i)) | list(m)<<(4*i)
}

func (l list) with(m int8) list {
	n := l.len()
	return l.set(n, m)&(1<<28-1) | list(n+1)<<28
}

// seated puts a member on the first blank leaf.
func (l list) seated(m int8) list {
	if i := l.place(blank); i >= 0 {
		return l.set(i, m)
	}
	return l.with(m)
}

// blanked takes members from their leaves.
func (l list) blanked(set uint8) list {
	for i := range l.len() {
		if m := l.at(i); m != blank && set&mbit(m) != 0 {
			l = l.set(i, blank)
		}
	}
	return l
}

func (l list) without(set uint8) (rest list) {
	for i := range l.len() {
		if set&mbit(l.at(i)) == 0 {
			rest = rest.with(l.at(i))
		}
	}
	return rest
}

func (l list) place(m int8) int {
	for i := range l.len() {
		if l.at(i) == m {
			return i
		}
	}
	return -1
}

func (x *model) honest(i int8) bool          { return x.faulty&mbit(i) == 0 }
func (x *model) there(s *state, i int8) bool { return x.honest(i) && !s.m[i].gone && !s.m[i].out }
func (s *state) isAdmin(e, i int8) bool {
	return s.c[e].in&mbit(i) != 0 && list(s.c[e].admins).place(i) >= 0
}
func (s *state) in(e int8) uint8 { return s.c[e].in }
func (s *state) active(i int8) bool {
	m := &s.m[i]
	return m.held&^m.erased&bit(m.head) != 0 && s.in(m.head)&mbit(i) != 0
}

// rank is the seniority of a member in an epoch, as node/cards has it: admins as
// listed, then by leaf.
func (s *state) rank(e, m int) (int, bool) {
	r := &s.c[e]
	if r.in&mbit(int8(m)) == 0 {
		return 0, false
	}
	l := list(r.admins)
	if p := l.place(int8(m)); p >= 0 {
		return p, true
	}
	return l.len() + list(r.leaves).place(int8(m)), true
}

// senior reports whether a comes before b in an epoch.
func (s *state) senior(e, a, b int8) bool {
	x, ok := s.rank(int(e), int(a))
	y, there := s.rank(int(e), int(b))
	return ok && (!there || x < y)
}

// below reports whether e is a or below it.
func (s *state) below(a, e int8) bool {
	for e > a {
		e = s.c[e].par
	}
	return e == a
}

// tree is what member i knows, for the rule of node/epochs. enterable says what it
// can be in.
func (x *model) tree(s *state, i int8, enterable uint32) *epochs.Tree {
	var list [maxRecords]epochs.Epoch
	known := s.m[i].has &^ x.dropped(s, i)
	for e := int8(0); e < s.n; e++ {
		r := &s.c[e]
		ep := &list[e]
		ep.Parent = -1
		if known&bit(e) != 0 && e > 0 {
			ep.Parent = int(r.par)
		}
		ep.Author, ep.External = int(max(r.by, 0)), r.ext && x.drop != "extcounts"
		ep.Enterable = enterable&bit(e) != 0 || x.drop == "enter"
		ep.Hash[0], ep.Hash[1], ep.Hash[2] = byte(r.hash>>8), byte(r.hash), byte(e)
	}
	return epochs.New(list[:s.n], 0, maxMembers, s.rank)
}

// dropped are the commits that a member does not keep.
func (x *model) dropped(s *state, i int8) uint32 {
	gone := x.evicted(s, s.m[i].has)
	switch x.drop {
	case "evict":
		return 0
	case "keepown":
		return gone &^ s.above(s.m[i].head)
	}
	return gone
}

// evicted are the commits that are too many of one member in one epoch, as
// node/cards has it: nobody else has built on them, and two of a smaller hash are
// kept.
func (x *model) evicted(s *state, known uint32) (gone uint32) {
	known = s.reach(known)
	for e := int8(1); e < s.n; e++ {
		r := &s.c[e]
		if known&bit(e) == 0 || s.shared(e, known) {
			continue
		}
		before := 0
		for o := int8(1); o < s.n; o++ {
			q := &s.c[o]
			if o == e || known&bit(o) == 0 || q.par != r.par || q.by != r.by || s.shared(o, known) {
				continue
			}
			if q.hash < r.hash || q.hash == r.hash && o < e {
				before++
			}
		}
		if before >= 2 {
			gone |= bit(e)
		}
	}
	return gone
}

// reach is what of a set hangs together with the root.
func (s *state) reach(set uint32) uint32 {
	reach := uint32(1)
	for e := int8(1); e < s.n; e++ {
		if set&bit(e) != 0 && reach&bit(s.c[e].par) != 0 {
			reach |= bit(e)
		}
	}
	return reach
}

// shared reports whether somebody else than its author has committed below e.
func (s *state) shared(e int8, known uint32) bool {
	for o := e + 1; o < s.n; o++ {
		if known&bit(o) != 0 && s.c[o].by != s.c[e].by && s.below(e, o) {
			return true
		}
	}
	return false
}

// enterable returns the epochs that i can be in.
func (s *state) enterable(i int8) (set uint32) {
	m := &s.m[i]
	for e := int8(0); e < s.n; e++ {
		if (m.held&^m.erased|m.info)&bit(e) != 0 && s.in(e)&mbit(i) != 0 {
			set |= bit(e)
		}
	}
	return set
}
