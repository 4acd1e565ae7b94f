package cards

import (
	"slices"
	"time"

	"quicnprotochat/node/message"
	"quicnprotochat/rpc"
)

// Lost is an Add or a Remove that went down with its branch.
type Lost struct {
	Who   rpc.Identity
	Added bool
	// Since is when it became known that its branch had lost.
	Since time.Time
}

// LostBy returns what other admins have committed on branches that lost and self, an
// admin of the head, may commit again for them, once for each who is meant: not what has
// come true or was decided otherwise on either branch since, nor what an admin wanted who
// is none any more, nor the Remove of somebody senior to one of the two. Who leaves says so
// again itself.
func (t *Tree) LostBy(self rpc.Identity) (all []Lost) {
	r := t.Top().Roster
	if !r.IsAdmin(self) {
		return nil
	}
	onPath := make([]bool, len(t.Epochs))
	for _, i := range t.Chain(t.Head) {
		onPath[i] = true
	}
	for i, e := range t.Epochs {
		if onPath[i] || len(e.Card.Added)+len(e.Card.Removed) == 0 || e.State == StateClosed ||
			e.Card.Committer == self || !r.IsAdmin(e.Card.Committer) {
			continue
		}
		_, taken := t.rule.Fork(i, t.Head)
		if taken < 0 {
			continue // below the head: nobody has committed beside it
		}
		since := e.Seen
		if t.Epochs[taken].Seen.After(since) {
			since = t.Epochs[taken].Seen
		}
		add := func(who rpc.Identity, added bool) {
			known := slices.ContainsFunc(all, func(l Lost) bool { return l.Who == who })
			if !known && !t.decided(who, i, taken) {
				all = append(all, Lost{Who: who, Added: added, Since: since})
			}
		}
		for _, who := range e.Card.Added {
			if !r.Has(who) {
				add(who, true)
			}
		}
		for _, who := range e.Card.Removed {
			left := slices.ContainsFunc(e.Card.Leaves, func(l message.Leave) bool { return l.Who == who })
			if r.Has(who) && !left && r.Senior(e.Card.Committer, who) && r.Senior(self, who) {
				add(who, false)
			}
		}
	}
	return all
}

// decided reports whether somebody has added or removed who below an epoch that lost, or
// on the way to the head that was taken in its place.
func (t *Tree) decided(who rpc.Identity, lost, taken int) bool {
	touches := func(i int) bool {
		c := t.Epochs[i].Card
		return slices.Contains(c.Added, who) || slices.Contains(c.Removed, who)
	}
	for i := lost + 1; i < len(t.Epochs); i++ {
		if touches(i) && t.rule.Below(lost, i) {
			return true
		}
	}
	for i := t.Head; i >= taken; i = t.Epochs[i].Up {
		if touches(i) {
			return true
		}
	}
	return false
}
