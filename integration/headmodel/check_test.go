package headmodel

import (
	"fmt"
	"math/bits"
)

// check closes copies of a state and returns the first property that is broken.
func (x *model) check(from *state) string {
	for _, again := range []bool{false, true} {
		s := *from
		if x.close(&s, again) < 0 {
			return fmt.Sprintf("S4 no quiet (again=%v)", again)
		}
		ref, bad := x.agree(&s, again)
		if bad != "" {
			return bad
		}
		if ref < 0 || again {
			continue
		}
		if bad := x.settledStays(&s, ref); bad != "" {
			return bad
		}
		if bad := x.removesStay(&s, ref); bad != "" {
			return bad
		}
	}
	return ""
}

// agree checks S1, S5 and S6, and returns the common head; -1 if nobody is in.
func (x *model) agree(s *state, again bool) (ref int8, bad string) {
	ref = -1
	late := int8(-1) // who joined by a Welcome
	for i := int8(0); i < int8(x.n); i++ {
		if !x.there(s, i) {
			continue
		}
		if s.m[i].held&1 == 0 {
			late = i
			continue
		}
		if s.in(s.m[i].head)&mbit(i) == 0 || x.silent(s, i) {
			continue
		}
		if !s.active(i) {
			return ref, fmt.Sprintf("S5 m%d is stuck without keys at e%d", i, s.m[i].head)
		}
		if ref >= 0 && s.m[i].head != ref {
			return ref, fmt.Sprintf("S1 m%d is at e%d, others at e%d", i, s.m[i].head, ref)
		}
		ref = s.m[i].head
	}
	for i := int8(0); ref >= 0 && i < int8(x.n); i++ {
		if x.there(s, i) && i != late && s.in(ref)&mbit(i) != 0 && s.m[i].head != ref {
			return ref, fmt.Sprintf("S1 m%d is not where the group is that has it, e%d", i, ref)
		}
	}
	if late < 0 || ref < 0 || !again || s.m[late].head == ref {
		return ref, ""
	}
	if s.in(ref)&mbit(late) != 0 || !x.silent(s, late) {
		return ref, fmt.Sprintf("S6 the joiner m%d is at e%d, the group at e%d", late, s.m[late].head, ref)
	}
	return ref, ""
}

// settledStays checks S2.
func (x *model) settledStays(s *state, ref int8) string {
	for i := int8(0); i < int8(x.n); i++ {
		if s.m[i].gone {
			continue
		}
		for t := s.m[i].settled; t != 0; t &= t - 1 {
			if e := int8(bits.TrailingZeros32(t)); !s.below(e, ref) {
				return fmt.Sprintf("S2 e%d was settled for m%d, the head is e%d", e, i, ref)
			}
		}
	}
	return ""
}

// removesStay checks S3.
func (x *model) removesStay(s *state, ref int8) string {
	for e := int8(1); e < s.n; e++ {
		r := &s.c[e]
		if r.rem == 0 || !x.honest(r.by) || s.below(e, ref) || s.in(ref)&r.rem == 0 || !x.juniors(s, e) {
			continue
		}
		known := false // by somebody honest who is still there and holds it
		for i := int8(0); i < int8(x.n); i++ {
			known = known || x.there(s, i) && s.m[i].has&s.m[i].held&bit(e) != 0
		}
		if !known {
			continue
		}
		side := ref // the child of the fork on the way that was taken
		for s.c[side].par >= 0 && !s.below(s.c[side].par, e) {
			side = s.c[side].par
		}
		overruled := false // by somebody senior who has committed on that side
		for h := side; h < s.n; h++ {
			senior := s.below(side, h) && !s.c[h].ext && s.senior(s.c[side].par, s.c[h].by, r.by)
			for i := int8(0); senior && i < int8(x.n); i++ {
				overruled = overruled || x.there(s, i) && s.m[i].has&bit(h) != 0
			}
		}
		if !overruled {
			return fmt.Sprintf("S3 the Remove e%d by m%d is undone, the head is e%d", e, r.by, ref)
		}
	}
	return ""
}

// juniors reports whether a Remove is of juniors alone, and nobody faulty is senior
// to who made it, in any epoch above it: the list may have changed on the way.
func (x *model) juniors(s *state, e int8) bool {
	r := &s.c[e]
	for t := int8(0); t < maxMembers; t++ {
		if r.rem&mbit(t) != 0 && !s.senior(r.par, r.by, t) {
			return false
		}
		for p := r.par; p >= 0; p = s.c[p].par {
			if !x.honest(t) && s.in(p)&mbit(t) != 0 && s.senior(p, t, r.by) {
				return false
			}
		}
	}
	return true
}
