package group

import (
	"errors"
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
			left = t.KeysFor(i, now)
		default:
			var out bool
			if left, out = t.LastKeysFor(g.self, now); !out {
				continue
			}
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

// erase erases the keys of an epoch, here and in memory.
func (g *Groups) erase(tx *store.Tx, name message.EpochName) error {
	g.cfg.Engine.Forget(name)
	return tx.DeleteEpoch(name)
}
