package group

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"quicnprotochat/node/cards"
	"quicnprotochat/node/convo"
	"quicnprotochat/node/message"
	"quicnprotochat/node/store"
	"quicnprotochat/rpc"
	"quicnprotochat/transport"
)

// Send takes a message for a group, as Send of convo.Engine does for a contact. When
// it returns, the message is in the store and will be delivered to all who are members
// now. It also returns ErrUnknown and ErrNotIn.
func (g *Groups) Send(ctx context.Context, id [16]byte, what *message.Message) (m store.Message, err error) {
	err = g.cfg.Engine.Update(ctx, func(tx *store.Tx, fx *convo.Effects) error {
		row, c, t, err := g.present(tx, id)
		if err != nil {
			return err
		}
		if c, m, err = g.cfg.Engine.Write(tx, fx, c, what); err != nil {
			return err
		}
		others := t.Top().Roster.Others(g.self)
		if len(others) == 0 {
			m.State, m.Why = convo.StateDelivered, "nobody else is in the group"
			return tx.SetMessageState(m)
		}
		for _, member := range others {
			if err := tx.PutListener(c.ID, m.ID, store.Listener{Member: member, State: convo.StateQueued}); err != nil {
				return err
			}
		}
		return g.encrypt(tx, fx, row, m, others)
	})
	return m, err
}

// present returns a group that we are in.
func (g *Groups) present(tx *store.Tx, id [16]byte) (row store.Group, c store.Conversation, t *cards.Tree, err error) {
	if c, err = tx.Conversation(id); isNotFound(err) || err == nil && !convo.IsGroup(c) {
		return row, c, nil, ErrUnknown
	}
	if err != nil {
		return row, c, nil, err
	}
	if c.Status != StatusIn {
		return row, c, nil, ErrNotIn
	}
	if row, err = tx.Group(c.Group); err != nil {
		return row, c, nil, err
	}
	t, err = g.load(tx, row.ID)
	return row, c, t, err
}

// encrypt puts a message into the outbox for some members: encrypted once, in the
// epoch that we are in.
func (g *Groups) encrypt(tx *store.Tx, fx *convo.Effects, row store.Group, m store.Message, members []rpc.Identity) error {
	if len(members) == 0 {
		return nil
	}
	out, err := g.cfg.Engine.Encrypt(tx, fx, row, m)
	if err != nil {
		return err
	}
	return g.addTo(tx, fx, out, members)
}

// sendAgain brings the messages without all receipts to where the group is now:
// who is no member any more is not waited for, and who has nothing in the outbox,
// because it was of a branch that lost, gets them encrypted anew.
func (g *Groups) sendAgain(tx *store.Tx, fx *convo.Effects, row store.Group, c store.Conversation, t *cards.Tree) error {
	messages, err := tx.Unreceipted(c.ID, g.self)
	if err != nil {
		return err
	}
	for _, m := range messages {
		audience, err := tx.Audience(c.ID, m.ID)
		if err != nil {
			return err
		}
		rows, err := tx.OutgoingOf(c.ID, m.ID)
		if err != nil {
			return err
		}
		var lost []rpc.Identity
		gone := false
		for _, l := range audience {
			switch {
			case !convo.Better(convo.StateDelivered, l.State):
			case !t.Top().Roster.Has(l.Member):
				gone = true
				if err := tx.DeleteListener(c.ID, m.ID, l.Member); err != nil {
					return err
				}
				if err := tx.DeleteOutgoingTo(c.ID, m.ID, l.Member); err != nil {
					return err
				}
			case !slices.ContainsFunc(rows, func(o store.Outgoing) bool { return o.Recipient == l.Member }):
				lost = append(lost, l.Member)
			}
		}
		if err := g.encrypt(tx, fx, row, m, lost); err != nil {
			return err
		}
		if gone {
			if err := g.sum(tx, fx, m, store.Message{}); err != nil {
				return err
			}
		}
	}
	return nil
}

// Reached implements convo.Groups.
func (g *Groups) Reached(tx *store.Tx, fx *convo.Effects, c store.Conversation, member rpc.Identity, ranges message.Ranges, state string) error {
	return g.cfg.Engine.EachOwn(tx, c, ranges, func(own store.Message) error {
		if err := tx.DeleteOutgoingTo(c.ID, own.ID, member); err != nil {
			return err
		}
		return g.note(tx, fx, own, member, store.Message{State: state, Path: fx.Via(), Tries: convo.ReceiptTry(fx.Via())})
	})
}

// Others implements convo.Groups.
func (g *Groups) Others(tx *store.Tx, c store.Conversation) ([]rpc.Identity, error) {
	t, err := g.load(tx, c.Group)
	if err != nil {
		return nil, err
	}
	return t.Top().Roster.Others(g.self), nil
}

// Progress implements convo.Groups.
func (g *Groups) Progress(tx *store.Tx, fx *convo.Effects, out store.Outgoing, to store.Message) error {
	m, err := tx.Message(out.Conversation, g.self, out.Message)
	if err != nil {
		return err
	}
	return g.note(tx, fx, m, out.Recipient, to)
}

// note notes how far a message came to one of those whom it is for.
func (g *Groups) note(tx *store.Tx, fx *convo.Effects, m store.Message, member rpc.Identity, to store.Message) error {
	audience, err := tx.Audience(m.Conversation, m.ID)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(audience, func(l store.Listener) bool { return l.Member == member })
	if i < 0 {
		return nil
	}
	l, better := audience[i], convo.Better(to.State, audience[i].State)
	if !better && !convo.Better(convo.StateDelivered, l.State) {
		return nil
	}
	l.Tries = convo.JoinTries(l.Tries, to.Tries)
	if better {
		l.State = to.State
	}
	if err := tx.PutListener(m.Conversation, m.ID, l); err != nil || !better {
		return err
	}
	return g.sum(tx, fx, m, to)
}

// sum makes the state of a message of those of all whom it is for: the worst, with
// the others in words.
func (g *Groups) sum(tx *store.Tx, fx *convo.Effects, m, last store.Message) error {
	audience, err := tx.Audience(m.Conversation, m.ID)
	if err != nil || m.State == convo.StateFailed {
		return err
	}
	worst, have, read := convo.StateRead, 0, 0
	var waiting []string
	for _, l := range audience {
		if convo.Better(worst, l.State) {
			worst = l.State
		}
		if l.State == convo.StateRead {
			read++
		}
		if !convo.Better(convo.StateDelivered, l.State) {
			have++
		} else if len(waiting) < 3 {
			waiting = append(waiting, g.name(tx, l.Member))
		}
	}
	to := m
	to.State = worst
	to.Why = fmt.Sprintf("delivered to %d of %d", have, len(audience))
	if read > 0 {
		to.Why += fmt.Sprintf(", read by %d", read)
	}
	if len(audience) == 0 {
		to.State = convo.StateDelivered // all whom it was for have gone
	}
	switch rest := len(audience) - have - len(waiting); {
	case rest > 0:
		to.Why += fmt.Sprintf("; not yet to %s and %d more", strings.Join(waiting, ", "), rest)
	case len(waiting) > 0:
		to.Why += "; not yet to " + strings.Join(waiting, ", ")
	}
	if last.Path != "" {
		to.Path, to.Relay = last.Path, last.Relay
	}
	if to.State == m.State && to.Why == m.Why {
		return nil
	}
	fx.Show(convo.Event{Kind: convo.EventState, Message: to})
	return tx.SetMessageState(to)
}

// name is what we call a member.
func (g *Groups) name(tx *store.Tx, id rpc.Identity) string {
	if c, err := tx.Contact(id); err == nil {
		return c.Name
	}
	return transport.Key(id).String()
}

// Renew implements convo.Groups: what somebody took and what had no effect is made
// anew, for the same bytes would be dropped as known.
func (g *Groups) Renew(tx *store.Tx, fx *convo.Effects, out store.Outgoing) error {
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
		if err := g.report(tx, fx, row.ID, out.Recipient); err != nil {
			return err
		}
		m, err := tx.Message(c.ID, g.self, out.Message)
		if err != nil {
			return err
		}
		return g.encrypt(tx, fx, row, m, []rpc.Identity{out.Recipient})
	case store.KindCommit:
		commit, err := tx.Commit(row.ID, out.Message)
		if isNotFound(err) {
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
		intents, err := tx.IntentsOf(out.Recipient, intentAdd)
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
