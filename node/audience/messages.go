package audience

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"quicnprotochat/node/cards"
	"quicnprotochat/node/convo"
	"quicnprotochat/node/convo/news"
	"quicnprotochat/node/message"
	"quicnprotochat/node/store"
	"quicnprotochat/rpc"
	"quicnprotochat/transport"
)

// Config says whose messages they are. All fields are required.
type Config struct {
	Engine *convo.Engine
	Self   rpc.Identity
	// Load returns the tree of a group; Present also its rows, or an error if we are
	// not in the group of a conversation.
	Load    func(tx *store.Tx, group []byte) (*cards.Tree, error)
	Present func(tx *store.Tx, conversation [16]byte) (store.Group, store.Conversation, *cards.Tree, error)
}

// Messages sends messages to groups and notes how far they come.
type Messages struct{ cfg Config }

// New returns the messages of a node.
func New(cfg Config) *Messages { return &Messages{cfg} }

// Send takes a message for a group, as Send of convo.Engine does for a contact. When
// it returns, the message is in the store and will be delivered to all who are members
// now. It also returns the errors of
// Config.Present.
func (a *Messages) Send(ctx context.Context, id [16]byte, what *message.Message) (m store.Message, err error) {
	err = a.cfg.Engine.Update(ctx, func(tx *store.Tx, fx *news.Effects) error {
		row, c, t, err := a.cfg.Present(tx, id)
		if err != nil {
			return err
		}
		if c, m, err = a.cfg.Engine.Write(tx, fx, c, what); err != nil {
			return err
		}
		others := t.Top().Roster.Others(a.cfg.Self)
		if len(others) == 0 {
			m.State, m.Why = convo.StateDelivered, "nobody else is in the group"
			return tx.SetMessageState(m)
		}
		for _, member := range others {
			if err := tx.PutListener(c.ID, m.ID, store.Listener{Member: member, State: convo.StateQueued}); err != nil {
				return err
			}
		}
		return a.Encrypt(tx, fx, row, t, m, others)
	})
	return m, err
}

// Encrypt puts a message into the outbox for some members: encrypted once, in the
// epoch that we are in. Who has to come back from outside is in none: then SendAgain
// does it.
func (a *Messages) Encrypt(tx *store.Tx, fx *news.Effects, row store.Group, t *cards.Tree, m store.Message, members []rpc.Identity) error {
	if at := t.At(row.Epoch); len(members) == 0 || at == nil || at.State != cards.StateIn {
		return nil
	}
	out, err := a.cfg.Engine.Encrypt(tx, fx, row, m)
	if err != nil {
		return err
	}
	return AddTo(tx, fx, out, members)
}

// SendAgain brings the messages without all receipts to where the group is now:
// who is no member any more is not waited for, and who has nothing in the outbox,
// because it was of a branch that lost, gets them encrypted anew.
func (a *Messages) SendAgain(tx *store.Tx, fx *news.Effects, row store.Group, c store.Conversation, t *cards.Tree) error {
	messages, err := tx.Unreceipted(c.ID, a.cfg.Self)
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
		if err := a.Encrypt(tx, fx, row, t, m, lost); err != nil {
			return err
		}
		if gone {
			if err := sum(tx, fx, m, store.Message{}); err != nil {
				return err
			}
		}
	}
	return nil
}

// Reached implements convo.Groups.
func (a *Messages) Reached(tx *store.Tx, fx *news.Effects, c store.Conversation, member rpc.Identity, ranges message.Ranges, state string) error {
	return a.cfg.Engine.EachOwn(tx, c, ranges, func(own store.Message) error {
		if err := tx.DeleteOutgoingTo(c.ID, own.ID, member); err != nil {
			return err
		}
		return note(tx, fx, own, member, store.Message{State: state, Path: fx.In.Via, Tries: convo.ReceiptTry(fx.In.Via)})
	})
}

// Others implements convo.Groups.
func (a *Messages) Others(tx *store.Tx, c store.Conversation) ([]rpc.Identity, error) {
	t, err := a.cfg.Load(tx, c.Group)
	if err != nil {
		return nil, err
	}
	return t.Top().Roster.Others(a.cfg.Self), nil
}

// Progress implements convo.Groups.
func (a *Messages) Progress(tx *store.Tx, fx *news.Effects, out store.Outgoing, to store.Message) error {
	m, err := tx.Message(out.Conversation, a.cfg.Self, out.Message)
	if err != nil {
		return err
	}
	return note(tx, fx, m, out.Recipient, to)
}

// note notes how far a message came to one of those whom it is for.
func note(tx *store.Tx, fx *news.Effects, m store.Message, member rpc.Identity, to store.Message) error {
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
	return sum(tx, fx, m, to)
}

// AddTo puts the same into the outbox for some members.
func AddTo(tx *store.Tx, fx *news.Effects, out store.Outgoing, members []rpc.Identity) error {
	if err := tx.AddOutgoingTo(out, members); err != nil {
		return err
	}
	for _, id := range members {
		fx.Send(id)
	}
	return nil
}

// sum makes the state of a message of those of all whom it is for: the worst, with
// the others in words.
func sum(tx *store.Tx, fx *news.Effects, m, last store.Message) error {
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
			waiting = append(waiting, Name(tx, l.Member))
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
	fx.Show(news.Event{Kind: news.EventState, Message: to})
	return tx.SetMessageState(to)
}

// Name is what we call a member.
func Name(tx *store.Tx, id rpc.Identity) string {
	if c, err := tx.Contact(id); err == nil {
		return c.Name
	}
	return transport.Key(id).String()
}
