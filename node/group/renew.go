package group

import (
	"quicnprotochat/node/convo/news"
	"quicnprotochat/node/message"
	"quicnprotochat/node/plan"
	"quicnprotochat/node/store"
	"quicnprotochat/rpc"
)

// Renew implements convo.Groups: what somebody took and what had no effect is made
// anew, for the same bytes would be dropped as known.
func (g *Groups) Renew(tx *store.Tx, fx *news.Effects, out store.Outgoing) error {
	if err := tx.DeleteOutgoing(out.ID); err != nil {
		return err
	}
	row, c, t, err := g.present(tx, out.Conversation)
	if err != nil || !t.Top().Roster.Has(out.Recipient) && out.Kind != store.KindCommit {
		return nil // neither they nor we need it
	}
	again := store.Outgoing{
		Recipient: out.Recipient, Kind: out.Kind, Conversation: c.ID, Message: out.Message, Group: row.ID, Created: tx.Now(),
	}
	switch out.Kind {
	case store.KindMessage:
		// They may be in an epoch that ours says nothing in, if who made it told us
		// two things, or went away before all were told.
		if err := g.Report(tx, fx, row.ID, out.Recipient); err != nil {
			return err
		}
		m, err := tx.Message(c.ID, g.self, out.Message)
		if err != nil {
			return err
		}
		return g.Encrypt(tx, fx, row, t, m, []rpc.Identity{out.Recipient})
	case store.KindCommit:
		commit, err := tx.Commit(row.ID, out.Message)
		if store.IsNotFound(err) {
			return nil
		}
		if err != nil {
			return err
		}
		again.Frame, err = message.EncodeFrame(&message.GroupTree{Commits: []message.Commit{{Card: commit.Card, Message: commit.Message}}})
		if err != nil {
			return err
		}
	case store.KindWelcome:
		intents, err := tx.IntentsOf(out.Recipient, plan.Add)
		if err != nil {
			return err
		}
		for _, i := range intents {
			if string(i.Group) == string(row.ID) && i.Epoch == out.Message {
				if again.Frame, err = tx.Welcome(i.ID); err != nil {
					return err
				}
			}
		}
	}
	if len(again.Frame) == 0 {
		return nil
	}
	fx.Send(out.Recipient)
	_, err = tx.AddOutgoing(again)
	return err
}
