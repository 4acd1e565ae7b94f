package backup

import (
	"quicnprotochat/node/cards"
	"quicnprotochat/node/convo"
	"quicnprotochat/node/keys"
	"quicnprotochat/node/message"
	"quicnprotochat/node/store"
)

// By how much a restored node goes on above what it had counted to, which its last
// home may have gone beyond: so no counter stands for two things.
const (
	messageLeap = 1 << 20
	groupLeap   = 1 << 10
)

// prepare makes a copy of a store one that can be restored: without secrets that
// must not be used twice.
func prepare(tx *store.Tx) error {
	if err := tx.DropSecrets(); err != nil {
		return err
	}
	if err := tx.SetMeta(keys.MetaRestored, []byte{1}); err != nil {
		return err
	}
	list, err := tx.Conversations()
	if err != nil {
		return err
	}
	for _, c := range list {
		c.Counter = min(c.Counter+messageLeap, message.MaxCounter)
		groups, err := tx.GroupsOf(c.ID)
		if err != nil {
			return err
		}
		if convo.IsGroup(c) {
			err = leaveEpochs(tx, groups)
		} else {
			c.Group = nil // a new one is made
			err = leap(tx, groups)
		}
		if err != nil {
			return err
		}
		if err := tx.PutConversation(c); err != nil {
			return err
		}
	}
	return nil
}

// leap lets a new group of a pair come before all that there were.
func leap(tx *store.Tx, groups []store.Group) error {
	for _, g := range groups {
		g.Counter += groupLeap
		if err := tx.PutGroup(g); err != nil {
			return err
		}
	}
	return nil
}

// leaveEpochs notes that the keys of all epochs are gone: the node comes back from
// outside.
func leaveEpochs(tx *store.Tx, groups []store.Group) error {
	for _, g := range groups {
		commits, err := tx.Commits(g.ID)
		if err != nil {
			return err
		}
		for _, commit := range commits {
			if commit.State != byte(cards.StateIn) {
				continue
			}
			if err := tx.SetCommitState(g.ID, commit.Name, byte(cards.StateGone)); err != nil {
				return err
			}
		}
	}
	return nil
}
