package cards

import (
	"slices"
	"time"

	"quicnprotochat/rpc"
)

// What is kept of a group.
const (
	// maxRivals is how many commits of one member in one epoch are kept on which
	// nobody else has built: more than one is equivocation.
	maxRivals = 2
	// maxAlone is how many commits of one member are kept on which nobody else has
	// built.
	maxAlone = 4096
	// maxMessages bounds the commits of a group, in bytes, beside their cards.
	maxMessages = 128 << 20
	// looseEach and looseBytes bound the commits of one member that hang in the
	// air: as many as one answer brings. Those of people who never were members
	// count as those of one.
	looseEach  = 256
	looseBytes = 8 << 20
)

// When the keys of an epoch go that is not the head, or that was the last one before we
// were removed.
const (
	// settledFor is how long after the most senior member has committed below the
	// way that was taken.
	settledFor = 10 * time.Minute
	// keptFor and keptEpochs are at the latest.
	keptFor    = 7 * 24 * time.Hour
	keptEpochs = 16
	// heldFor is how long they are held by a program that runs, whatever the clock of the
	// home says, which may be a day ahead until somebody sets it right: unless they should
	// have gone as long ago as keptFor.
	heldFor = settledFor
)

// Surplus returns the epochs that are too many, children before parents. Of the
// commits that one member alone made in one epoch, and on which nobody else has
// built, the first by their names stay, whether we are in one of them or not:
// all who know the same commits keep the same ones.
func (t *Tree) Surplus() (all []*Epoch) {
	type place struct {
		parent int
		author rpc.Identity
	}
	shared, rivals, alone := t.shared(), make(map[place]int), make(map[rpc.Identity]int)
	gone := make([]bool, len(t.Epochs))
	for i, e := range t.Epochs {
		if e.Card == nil {
			continue
		}
		if !shared[i] {
			at := place{e.Up, e.Card.Committer}
			rivals[at]++ // siblings are in the order of their names
			gone[i] = rivals[at] > maxRivals || alone[at.author] >= maxAlone
		}
		gone[i] = gone[i] || gone[e.Up]
		if !shared[i] && !gone[i] {
			alone[e.Card.Committer]++
		}
	}
	for i := len(t.Epochs) - 1; i > 0; i-- {
		if gone[i] {
			all = append(all, t.Epochs[i])
		}
	}
	return all
}

// Equivocators returns those who have told the others two different things: who made two
// commits in one epoch. External ones do not count: who comes back tries again.
func (t *Tree) Equivocators() (all []rpc.Identity) {
	type place struct {
		parent int
		author rpc.Identity
	}
	made := make(map[place]int)
	for _, e := range t.Epochs {
		if e.Card == nil || e.Card.External {
			continue
		}
		at := place{e.Up, e.Card.Committer}
		made[at]++
		if made[at] == 2 && !slices.Contains(all, at.author) {
			all = append(all, at.author)
		}
	}
	return all
}

// shared reports of each epoch whether somebody else than its author has committed
// below it.
func (t *Tree) shared() []bool {
	shared := make([]bool, len(t.Epochs))
	for i := len(t.Epochs) - 1; i > 0; i-- {
		up := t.Epochs[i].Up
		above := t.Epochs[up].Card
		// Whoever is below an unshared epoch is its author.
		shared[up] = shared[up] || shared[i] || above != nil && above.Committer != t.Epochs[i].Card.Committer
	}
	return shared
}

// TooLoose returns those of Loose that are too many, the last that came.
func (t *Tree) TooLoose() (all []*Epoch) {
	count, size := make(map[rpc.Identity]int), make(map[rpc.Identity]int)
	for _, e := range t.Loose {
		author := e.Card.Committer
		if !t.Knows(author) {
			author = rpc.Identity{}
		}
		if count[author] == looseEach || count[author] > 0 && size[author]+e.Size > looseBytes {
			all = append(all, e)
			continue
		}
		count[author]++
		size[author] += e.Size
	}
	return all
}

// Heavy returns the epochs whose commits are not kept, their cards are: those that
// were opened, the oldest first, then others, the last that came first.
func (t *Tree) Heavy() (all []*Epoch) {
	total := 0
	var list []*Epoch
	for _, e := range t.Epochs {
		if total += e.Size; e.Size > 0 {
			list = append(list, e)
		}
	}
	if total <= maxMessages {
		return nil
	}
	slices.SortStableFunc(list, func(a, b *Epoch) int {
		switch fresh := a.State == StateNew; {
		case fresh != (b.State == StateNew) && fresh:
			return 1
		case fresh != (b.State == StateNew):
			return -1
		case fresh:
			return b.Seen.Compare(a.Seen)
		}
		return a.Seen.Compare(b.Seen)
	})
	for _, e := range list {
		if total <= maxMessages {
			break
		}
		total -= e.Size
		all = append(all, e)
	}
	return all
}

// KeysFor is how long the keys of an epoch are kept still; 0 if they may go now. It
// is for epochs in StateIn that are not the head, and held is for how long this program
// has known them as that.
func (t *Tree) KeysFor(i int, now time.Time, held time.Duration) time.Duration {
	if t.rule.Below(i, t.Head) && t.Number(t.Head)-t.Number(i) > keptEpochs {
		return 0
	}
	_, taken := t.rule.Fork(i, t.Head) // the way to the head that does not lead to i
	if taken < 0 {
		// Below the head: a branch that may be entered by others, but not by us.
		return stillKept(keptFor-now.Sub(t.Epochs[i].Seen), held)
	}
	return stillKept(t.sinceTaken(taken, now), held)
}

// LastKeysFor is how long somebody who is removed keeps the keys of the head still, for
// messages that come late and for the case that another branch undoes it (RFC 9420,
// §12.4.2); ok is false if nobody has removed it. Held is for how long this program has
// known that.
func (t *Tree) LastKeysFor(who rpc.Identity, now time.Time, held time.Duration) (left time.Duration, ok bool) {
	at := t.removedAt(who)
	if at < 0 {
		return 0, false
	}
	_, taken := t.rule.Fork(t.Head, at)
	return stillKept(t.sinceTaken(taken, now), held), true
}

// stillKept is how long keys are kept still that are to go in a while by the clock, or
// were to go already if left is negative.
func stillKept(left, held time.Duration) time.Duration {
	switch {
	case left < -keptFor:
		return 0
	case left <= 0:
		return max(0, heldFor-held)
	}
	return left
}

// sinceTaken is how long the keys that the way through an epoch has left behind are to be
// kept, negative if they should have gone.
func (t *Tree) sinceTaken(taken int, now time.Time) time.Duration {
	left := keptFor - now.Sub(t.Epochs[taken].Seen)
	if at, ok := t.settledAt(taken); ok {
		left = min(left, settledFor-now.Sub(at))
	}
	return left
}

// settledAt is when it became known that the most senior member of its parent has
// committed at or below an epoch.
func (t *Tree) settledAt(i int) (at time.Time, ok bool) {
	if !t.rule.Settled(i) {
		return at, false
	}
	top := t.Epochs[t.Epochs[i].Up].Roster.Members()[0]
	for j := i; j < len(t.Epochs); j++ {
		e := t.Epochs[j]
		if e.Card.Committer == top && !e.Card.External && t.rule.Below(i, j) && (!ok || e.Seen.Before(at)) {
			at, ok = e.Seen, true
		}
	}
	return at, ok
}
