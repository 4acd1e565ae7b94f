package group

import (
	"errors"
	"slices"
	"time"

	"quicnprotochat/mls"
	"quicnprotochat/node/cards"
	"quicnprotochat/node/charter"
	"quicnprotochat/node/convo"
	"quicnprotochat/node/keys"
	"quicnprotochat/node/message"
	"quicnprotochat/node/store"
	"quicnprotochat/rpc"
)

// found makes the first epoch of a group, in which we are alone, and keeps it and the
// row of the group.
func (g *Groups) found(tx *store.Tx, row store.Group, p message.GroupProfile, suite mls.Suite, now time.Time) (store.Group, error) {
	x, err := charter.Extension(p)
	if err != nil {
		return row, err
	}
	ep, err := mls.Create(mls.GroupConfig{
		Suite: suite, GroupID: row.ID, Signer: g.cfg.Identity.MLS(), Identity: g.self[:],
		Extensions:           []mls.Extension{x},
		RequiredCapabilities: mls.RequiredCapabilities{Extensions: []uint16{keys.ConversationExtension}},
		Capabilities:         keys.Capabilities(),
	})
	if err != nil {
		return row, err
	}
	root := &message.GroupRoot{Group: row.ID, Name: convo.EpochID(ep), Profile: p, Leaves: []rpc.Identity{g.self}}
	card, err := root.Encode()
	if err != nil {
		return row, err
	}
	row.Epoch, row.Suite = root.Name, uint16(suite)
	if err := tx.PutGroup(row); err != nil {
		return row, err
	}
	if err := tx.PutCommit(store.Commit{Group: row.ID, Name: root.Name, Card: card, State: byte(cards.StateIn), Seen: now}); err != nil {
		return row, err
	}
	return row, g.cfg.Engine.Save(tx, row, root.Name, ep)
}

// alone reports whether nobody but us has ever been in a group: then nobody else knows
// anything of it.
func (g *Groups) alone(t *cards.Tree) bool {
	return !slices.ContainsFunc(t.Epochs, func(e *cards.Epoch) bool { return e.Roster.Size() != 1 || !e.Roster.Has(g.self) })
}

// refound makes a group in which we are alone anew in another suite: the members to come
// have no better one in common. A suite cannot be changed later (RFC 9420, §11.2).
func (g *Groups) refound(tx *store.Tx, row store.Group, t *cards.Tree, suite mls.Suite, now time.Time) error {
	commits, err := tx.Commits(row.ID)
	if err != nil {
		return err
	}
	for _, c := range commits {
		if err := errors.Join(tx.DeleteCommit(row.ID, c.Name), g.erase(tx, c.Name)); err != nil {
			return err
		}
	}
	g.cfg.Log.Info("group in another suite", "group", row.ID, "suite", suite)
	_, err = g.found(tx, row, t.Top().Roster.Profile(), suite, now)
	return err
}
