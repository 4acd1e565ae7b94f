package plan

import (
	"errors"
	"slices"
	"time"

	"quicnprotochat/node/cards"
	"quicnprotochat/node/store"
	"quicnprotochat/rpc"
)

const (
	// againAfter is how long a lost Add or Remove is left to the admin who committed it,
	// and againTurn is how much longer to each who is senior to us.
	againAfter = time.Minute
	againTurn  = 5 * time.Second
	// againUntil is how long ago its branch may have lost: then it counts as given up.
	againUntil = 7 * 24 * time.Hour
)

// Again makes self want what other admins have committed on branches that lost, and have
// not committed again: they may be gone. It returns whom that is about, and until when
// others are due, 0 if none are. Whom self's own user wants in or out, or has blocked, or
// could not reach, is left alone.
func Again(tx *store.Tx, group []byte, t *cards.Tree, self rpc.Identity, now time.Time) (about []rpc.Identity, wait time.Duration, err error) {
	lost := t.LostBy(self)
	if len(lost) == 0 {
		return nil, 0, nil
	}
	intents, err := tx.Intents(group)
	if err != nil {
		return nil, 0, err
	}
	rank := slices.Index(t.Top().Roster.Profile().Admins, self)
	for _, l := range lost {
		own := slices.ContainsFunc(intents, func(i store.Intent) bool {
			return i.Subject == l.Who && (i.Kind == Add || i.Kind == Remove || i.Kind == Unfit)
		})
		age := now.Sub(l.Since)
		if own || age > againUntil {
			continue
		}
		if ok, err := mayWant(tx, l); err != nil {
			return about, wait, err
		} else if !ok {
			continue
		}
		if left := againAfter + time.Duration(rank)*againTurn - age; left > 0 {
			if left = min(left, againUntil); wait == 0 || left < wait {
				wait = left
			}
			continue
		}
		kind := Remove
		if l.Added {
			kind = Add
		}
		if err := Want(tx, group, store.Intent{Kind: kind, Subject: l.Who, Created: now}); err != nil {
			return about, wait, err
		}
		about = append(about, l.Who)
	}
	return about, wait, nil
}

// mayWant reports whether we may do again what somebody else did: add nobody who is
// blocked, or of whom we have no card.
func mayWant(tx *store.Tx, l cards.Lost) (ok bool, err error) {
	if !l.Added {
		return true, nil
	}
	if blocked, err := tx.IsBlocked(l.Who); err != nil || blocked {
		return false, err
	}
	_, err = tx.Contact(l.Who)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}
