package group

import (
	"time"

	"quicnprotochat/node/message"
	"quicnprotochat/node/store"
)

// When the keys of an epoch that is not the head go.
const (
	// settledFor is how long after the most senior member has committed below the
	// way that was taken.
	settledFor = 10 * time.Minute
	// keptFor and keptEpochs are at the latest.
	keptFor    = 7 * 24 * time.Hour
	keptEpochs = 16
)

// expire erases the keys of epochs that the head will hardly come back to, never
// those of the head. It returns when the next are due, 0 if none are.
func (g *Groups) expire(tx *store.Tx, row store.Group, t *tree, now time.Time) (wait time.Duration, err error) {
	depth := len(t.chain(t.head))
	for i, n := range t.nodes {
		if n.state != stateIn || i == t.head {
			continue
		}
		left := t.erasedIn(i, now)
		if t.rule.Below(i, t.head) && depth-len(t.chain(i)) > keptEpochs {
			left = 0
		}
		if left > 0 {
			if wait == 0 || left < wait {
				wait = left
			}
			continue
		}
		if err := g.erase(tx, n.name); err != nil {
			return wait, err
		}
		if err := tx.SetCommitState(row.ID, n.name, stateGone); err != nil {
			return wait, err
		}
	}
	return wait, nil
}

// erasedIn is how long the keys of an epoch are kept still.
func (t *tree) erasedIn(i int, now time.Time) time.Duration {
	_, taken := t.rule.Fork(i, t.head) // the way to the head that does not lead to i
	if taken < 0 {
		// Below the head: a branch that may be entered by others, but not by us.
		return keptFor - now.Sub(t.nodes[i].seen)
	}
	left := keptFor - now.Sub(t.nodes[taken].seen)
	if at, ok := t.settledAt(taken); ok {
		left = min(left, settledFor-now.Sub(at))
	}
	return left
}

// settledAt is when it became known that the most senior member of its parent has
// committed at or below an epoch.
func (t *tree) settledAt(i int) (at time.Time, ok bool) {
	if !t.rule.Settled(i) {
		return at, false
	}
	top := t.nodes[t.nodes[i].up].roster.members()[0]
	for j := i; j < len(t.nodes); j++ {
		n := t.nodes[j]
		if n.card.Committer == top && !n.card.External && t.rule.Below(i, j) && (!ok || n.seen.Before(at)) {
			at, ok = n.seen, true
		}
	}
	return at, ok
}

// erase erases the keys of an epoch, here and in memory.
func (g *Groups) erase(tx *store.Tx, name message.EpochName) error {
	g.cfg.Engine.Forget(name)
	return tx.DeleteEpoch(name)
}
