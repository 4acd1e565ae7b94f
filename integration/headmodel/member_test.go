package headmodel

import "math/bits"

// open applies every commit that i has keys for, and moves the head.
func (x *model) open(s *state, i int8) {
	m := &s.m[i]
	before := m.held
	reach := uint32(1)
	for e := int8(1); e < s.n; e++ {
		r := &s.c[e]
		if m.has&bit(e) == 0 || reach&bit(r.par) == 0 {
			continue
		}
		reach |= bit(e)
		p := bit(r.par)
		opens := m.held&bit(e) == 0 && m.held&^m.erased&p != 0 && r.garb&mbit(i) == 0
		if opens && s.in(r.par)&mbit(i) != 0 && s.in(e)&mbit(i) != 0 {
			m.held |= bit(e)
		}
	}
	// What is too many is erased with its keys, and opens but once.
	m.erased |= m.held & x.dropped(s, i)
	t := x.tree(s, i, s.enterable(i))
	m.head = int8(t.Head())
	if s.active(i) {
		m.last = m.head
	}
	if !x.honest(i) || !s.active(i) {
		return
	}
	// What is settled from the root on, and not by somebody faulty.
	for e, path := int8(1), true; e <= m.head; e++ {
		if !s.below(e, m.head) {
			continue
		}
		path = path && t.Settled(int(e)) && x.faulty&s.top(s.c[e].par) == 0
		if path {
			m.settled |= bit(e)
		}
	}
	if m.held != before {
		m.sync()
	}
}

// sync says that a step was durable, with all that was before it.
func (m *member) sync() { m.synced, m.syncedSettled = m.has, m.settled }

// top is the most senior member of an epoch, as a set.
func (s *state) top(e int8) uint8 {
	best, at := -1, int8(-1)
	for m := int8(0); m < maxMembers; m++ {
		if r, ok := s.rank(int(e), int(m)); ok && (at < 0 || r < best) {
			best, at = r, m
		}
	}
	if at < 0 {
		return 0
	}
	return mbit(at)
}

// add appends a record that i makes on p; -1 if there is no room.
func (x *model) add(s *state, i, p int8, r record) int8 {
	e := s.n
	if int(e) >= maxRecords {
		return -1
	}
	r.par, r.by = p, i
	admins, leaves := list(s.c[p].admins), list(s.c[p].leaves)
	switch {
	case r.ext:
		leaves = leaves.blanked(mbit(i)).seated(i)
	case r.change == removes:
		r.rem, admins, leaves = r.set, admins.without(r.set), leaves.blanked(r.set)
	case r.change == adds:
		r.add, leaves = r.set, leaves.seated(int8(bits.TrailingZeros8(r.set)))
	case r.change == promotes:
		admins = admins.with(int8(bits.TrailingZeros8(r.set)))
	case r.change == demotes:
		admins = admins.without(r.set)
	}
	r.in, r.admins, r.leaves = s.in(p)&^r.rem|r.add, uint32(admins), uint32(leaves)
	if r.intent == 0 && !r.ext {
		r.intent = uint8(e)
	}
	s.n++
	s.c[e] = r
	s.m[i].has |= bit(e)
	s.m[i].held |= bit(e)
	if x.honest(i) {
		x.open(s, i)
		s.m[i].sync()
	}
	return e
}

// rejoin lets i come in by an external commit at its head.
func (x *model) rejoin(s *state, i int8) bool {
	m := &s.m[i]
	h := bit(m.head)
	if m.held&^m.erased&h != 0 || s.in(m.head)&mbit(i) == 0 || m.info&h == 0 {
		return false
	}
	return x.add(s, i, m.head, record{ext: true}) >= 0
}

// welcome lets the joiner in at e: it gets the keys of e and all cards above it.
func (x *model) welcome(s *state, j, e int8) {
	s.m[j] = member{held: bit(e), has: s.above(e), head: e, last: e}
	x.open(s, j)
	s.m[j].sync()
}

// above is the set of e and all epochs above it.
func (s *state) above(e int8) (set uint32) {
	for ; e > 0; e = s.c[e].par {
		set |= bit(e)
	}
	return set | 1
}

// close lets everybody honest that is left talk until nothing changes. It returns
// the rounds used, or -1.
func (x *model) close(s *state, again bool) int {
	for round := range 40 {
		prev := *s
		x.talk(s)
		if *s != prev {
			continue // talk first, act when talk changes nothing
		}
		for i := int8(0); i < int8(x.n); i++ { // all at once: the worst case
			if x.there(s, i) {
				x.rejoin(s, i)
			}
		}
		if *s == prev && again {
			x.recommit(s)
		}
		if *s == prev {
			return round
		}
		if int(s.n) >= maxRecords {
			return -1
		}
	}
	return -1
}

// talk brings all cards and offers of GroupInfo to all who are there.
func (x *model) talk(s *state) {
	var all uint32
	n := int8(x.n)
	for i := int8(0); i < n; i++ {
		if x.honest(i) && !s.m[i].gone {
			all |= s.m[i].has
		}
	}
	for i := int8(0); i < n; i++ {
		if x.there(s, i) {
			s.m[i].has |= all
			x.open(s, i)
		}
	}
	for j := int8(0); j < n; j++ {
		if !x.there(s, j) || !s.active(j) {
			continue
		}
		for i := int8(0); i < n; i++ {
			if x.there(s, i) && s.in(s.m[j].head)&mbit(i) != 0 {
				s.m[i].info |= bit(s.m[j].head)
			}
		}
	}
	for i := int8(0); i < n; i++ {
		if x.there(s, i) {
			x.open(s, i)
		}
	}
}

// recommit makes everybody commit its lost intents again, at the same time, and, when
// nobody has any left, lets an admin commit those of others.
func (x *model) recommit(s *state) {
	snap := *s
	n := int8(x.n)
	for i := int8(0); i < n; i++ {
		if !x.there(&snap, i) || !snap.active(i) || x.silent(&snap, i) {
			continue
		}
		h := snap.m[i].head
		for e := int8(1); e < snap.n; e++ {
			r := snap.c[e]
			if r.by != i || r.ext || snap.below(e, h) || snap.done(r.intent, h) {
				continue
			}
			if again, ok := x.again(&snap, i, h, e); ok {
				x.add(s, i, h, again)
				break
			}
		}
	}
	if *s == snap && !x.forOthers(s) && x.join {
		x.welcomeAgain(s)
	}
}

// again is the record with which i commits e again on h, if there is a use for it.
func (x *model) again(s *state, i, h, e int8) (again record, ok bool) {
	r := s.c[e]
	again.intent, again.change = r.intent, r.change
	if r.change == nothing {
		return again, true
	}
	if !s.isAdmin(h, i) {
		return again, false
	}
	for t := int8(0); t < maxMembers; t++ {
		if r.set&mbit(t) != 0 && x.useful(s, i, h, t, r.change) {
			again.set |= mbit(t)
		}
	}
	return again, again.set != 0
}

// useful reports whether i may and should do something to t again.
func (x *model) useful(s *state, i, h, t int8, c change) bool {
	there := s.in(h)&mbit(t) != 0
	switch c {
	case removes:
		return there && s.senior(h, i, t)
	case adds:
		return !there
	case promotes:
		return there && !s.isAdmin(h, t)
	}
	return s.isAdmin(h, t) && s.senior(h, i, t)
}

// forOthers lets the most senior admin who is there commit again what another one did on
// a branch that lost, and reports whether there was anything.
func (x *model) forOthers(s *state) bool {
	i, best := int8(-1), 0
	for m := range int8(x.n) {
		if !x.there(s, m) || !s.active(m) || x.silent(s, m) || !s.isAdmin(s.m[m].head, m) {
			continue
		}
		if rank, _ := s.rank(int(s.m[m].head), int(m)); i < 0 || rank < best {
			i, best = m, rank
		}
	}
	if i < 0 {
		return false
	}
	h := s.m[i].head
	for e := int8(1); e < s.n; e++ {
		r := s.c[e]
		if s.m[i].has&bit(e) == 0 || r.by == i || r.garb&mbit(i) != 0 || r.change != removes && r.change != adds ||
			!s.isAdmin(h, r.by) || s.below(e, h) || s.below(h, e) {
			continue
		}
		for t := range int8(x.n) {
			if r.set&mbit(t) == 0 || !x.useful(s, i, h, t, r.change) || r.change == removes && !s.senior(h, r.by, t) || s.decided(t, e, h, s.m[i].has) {
				continue
			}
			made := x.add(s, i, h, record{change: r.change, set: mbit(t)})
			if made > 0 && r.change == adds && x.there(s, t) {
				x.welcome(s, t, made)
			}
			return made > 0
		}
	}
	return false
}

// decided reports whether somebody was added or removed below an epoch that lost, or on
// the way to the head that was taken in its place, among the records that are known.
func (s *state) decided(t, lost, h int8, known uint32) bool {
	touches := func(e int8) bool { return (s.c[e].rem|s.c[e].add)&mbit(t) != 0 }
	for e := lost + 1; e < s.n; e++ {
		if known&bit(e) != 0 && touches(e) && s.below(lost, e) {
			return true
		}
	}
	for e := h; e > 0 && !s.below(e, lost); e = s.c[e].par {
		if touches(e) {
			return true
		}
	}
	return false
}

// welcomeAgain lets an admin send the joiner, whom the group has, another Welcome.
func (x *model) welcomeAgain(s *state) {
	j := int8(x.n - 1)
	if !x.there(s, j) {
		return
	}
	for i := int8(0); i < j; i++ {
		h := s.m[i].head
		if !x.there(s, i) || !s.active(i) || x.silent(s, i) || s.in(h)&mbit(j) == 0 || s.m[j].head == h {
			continue
		}
		for e := h; e > 0; e = s.c[e].par {
			if s.c[e].add&mbit(j) != 0 {
				x.welcome(s, j, e)
				return
			}
		}
	}
}

// done reports whether an intent was committed at or above h.
func (s *state) done(intent uint8, h int8) bool {
	for e := h; e > 0; e = s.c[e].par {
		if s.c[e].intent == intent && !s.c[e].ext {
			return true
		}
	}
	return false
}

// silent reports whether i knows a card that removes it on a branch better than its
// own, or whether the branch that added it has lost.
func (x *model) silent(s *state, i int8) bool {
	t := x.tree(s, i, s.enterable(i))
	h := int(s.m[i].head)
	for e := int8(1); e < s.n; e++ {
		if !t.Below(0, int(e)) || s.in(e)&mbit(i) != 0 {
			continue
		}
		removes := s.c[e].rem&mbit(i) != 0
		if (removes || s.m[i].held&1 == 0) && t.Prefers(int(e), h) {
			return true
		}
	}
	return false
}
