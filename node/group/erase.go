package group

import (
	"errors"
	"sync"
	"time"

	"quicnprotochat/node/cards"
	"quicnprotochat/node/message"
	"quicnprotochat/node/store"
)

// expire erases the keys of epochs that the head will hardly come back to; those of the
// head only when we are removed below or beside it and that is decided. It returns when
// the next are due, 0 if none are.
func (g *Groups) expire(tx *store.Tx, row store.Group, t *cards.Tree, now time.Time) (wait time.Duration, err error) {
	for i, e := range t.Epochs {
		left, state := time.Duration(0), cards.StateGone
		switch {
		case e.State == cards.StateLast && i != t.Head:
		case e.State != cards.StateIn:
			continue
		case i != t.Head:
			left = t.KeysFor(i, now, g.spare.since(e.Name))
		case t.RemovedBy(g.self) == nil:
			g.spare.forget(e.Name)
			continue
		default:
			left, _ = t.LastKeysFor(g.self, now, g.spare.since(e.Name))
			state = cards.StateLast
		}
		if left > 0 {
			if wait == 0 || left < wait {
				wait = left
			}
			continue
		}
		if err := errors.Join(g.erase(tx, e.Name), setState(tx, row.ID, e, state)); err != nil {
			return wait, err
		}
	}
	return wait, nil
}

func setState(tx *store.Tx, group []byte, e *cards.Epoch, state cards.State) error {
	e.State = state
	return tx.SetCommitState(group, e.Name, byte(state))
}

// prune erases what is not kept: commits that are against the rules or too many. It
// reports whether it did.
func (g *Groups) prune(tx *store.Tx, group []byte, t *cards.Tree) (did bool, err error) {
	for _, list := range [][]*cards.Epoch{t.Wrong, t.Surplus(), t.TooLoose()} {
		for _, e := range list {
			did = true
			if err := errors.Join(tx.DeleteCommit(group, e.Name), g.erase(tx, e.Name)); err != nil {
				return did, err
			}
		}
	}
	for _, e := range t.Heavy() {
		row, err := tx.Commit(group, e.Name)
		if err != nil {
			return did, err
		}
		row.Message, did = nil, true
		if err := tx.PutCommit(row); err != nil {
			return did, err
		}
	}
	return did, nil
}

// spare is since when this program knows epochs as such whose keys are to go. It goes by
// the time that goes on evenly: the clock of the home may jump.
type spare struct {
	// mu guards the field below.
	mu    sync.Mutex
	known map[message.EpochName]time.Time
}

// since is for how long an epoch has been known as that.
func (s *spare) since(name message.EpochName) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, ok := s.known[name]
	if !ok {
		if s.known == nil {
			s.known = make(map[message.EpochName]time.Time)
		}
		at = time.Now()
		s.known[name] = at
	}
	return time.Since(at)
}

// forget: an epoch is the head, or its keys are gone.
func (s *spare) forget(name message.EpochName) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.known, name)
}

// erase erases the keys of an epoch, here and in memory.
func (g *Groups) erase(tx *store.Tx, name message.EpochName) error {
	g.spare.forget(name)
	g.cfg.Engine.Forget(name)
	return tx.DeleteEpoch(name)
}
