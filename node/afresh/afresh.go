package afresh

import (
	"errors"

	"quicnprotochat/node/cards"
	"quicnprotochat/node/convo"
	"quicnprotochat/node/keys"
	"quicnprotochat/node/message"
	"quicnprotochat/node/store"
)

// By how much such a node goes on above what it had counted to, which another home may
// have gone beyond: so no counter stands for two things.
const (
	MessageLeap = 1 << 20
	GroupLeap   = 1 << 10
)

// Begin erases the secrets that another home may have used, and lets the node enter
// all its conversations and groups anew.
func Begin(tx *store.Tx) error {
	if err := errors.Join(tx.DropSecrets(), keys.Renew(tx)); err != nil {
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
		c.Counter = min(c.Counter+MessageLeap, message.MaxCounter)
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
		g.Counter += GroupLeap
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
