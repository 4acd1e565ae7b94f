package group

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"quicnprotochat/node/cards"
	"quicnprotochat/node/charter"
	"quicnprotochat/node/convo"
	"quicnprotochat/node/convo/news"
	"quicnprotochat/node/message"
	"quicnprotochat/node/plan"
	"quicnprotochat/node/store"
	"quicnprotochat/node/talk"
	"quicnprotochat/rpc"
)

// Control implements convo.Groups.
func (g *Groups) Control(tx *store.Tx, fx *news.Effects, m *message.Control, body message.Body) error {
	row, _, err := g.group(tx, m.Group)
	if errors.Is(err, ErrUnknown) {
		return convo.ErrWaiting // the Welcome may be on its way
	}
	if err != nil {
		return err
	}
	t, err := g.load(tx, row.ID)
	if err != nil {
		return err
	}
	if !t.Knows(m.Sender) {
		return fmt.Errorf("%w: control message by somebody who is not in the group", convo.ErrRefused)
	}
	switch b := body.(type) {
	case *message.Report:
		return g.reported(tx, fx, row, t, m.Sender, b)
	case *message.Ask:
		return g.answer(tx, fx, t, m.Sender, append(b.Have, b.Head))
	case *message.InfoAsk:
		return g.giveInfo(tx, fx, t, m.Sender, b.Epoch)
	case *message.LeaveNote:
		return g.leaving(tx, fx, row, t, m.Sender, b.Leave)
	case *message.CardAsk:
		return g.GiveCards(tx, fx, t, m.Sender, b.Who)
	}
	return fmt.Errorf("%w: control message of unknown type %d", convo.ErrRefused, m.Type)
}

// reported takes a Report: what it confirms leaves the outbox, and whoever of the
// two lacks something gets it.
func (g *Groups) reported(tx *store.Tx, fx *news.Effects, row store.Group, t *cards.Tree, from rpc.Identity, r *message.Report) error {
	for _, name := range r.Have {
		if err := tx.DeleteOutgoingTo(row.Conversation, name, from); err != nil {
			return err
		}
	}
	if err := g.heard(tx, fx, row, t, from, r.Head); err != nil {
		return err
	}
	theirs, known := t.Index(r.Head)
	if !known || !t.Prefers(t.Head, theirs) {
		return nil
	}
	// They are behind. If the commits are not on their way from us already, they
	// may be from nobody.
	if coming, err := tx.HasOutgoingKind(from, store.KindCommit, row.ID); err != nil || coming {
		return err
	}
	if !g.MayAsk(row.ID, from, message.ControlReport) {
		return nil
	}
	return g.answer(tx, fx, t, from, []message.EpochName{r.Head})
}

// heard notes what a member takes for the head. If we do not know it we ask.
func (g *Groups) heard(tx *store.Tx, fx *news.Effects, row store.Group, t *cards.Tree, from rpc.Identity, head message.EpochName) error {
	seats, err := tx.Seats(row.ID)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(seats, func(s store.Seat) bool { return s.Member == from })
	if i < 0 || seats[i].Head != head {
		if err := tx.PutSeat(store.Seat{Group: row.ID, Member: from, Head: head, At: tx.Now()}); err != nil {
			return err
		}
		// It has come in: nobody needs to be told again that it may.
		if err := g.confirm(tx, row, t, from, head); err != nil {
			return err
		}
	}
	if t.At(head) != nil || !g.MayAsk(row.ID, from, message.ControlAsk) {
		return nil
	}
	return g.ask(tx, fx, row, t, from)
}

// ask asks a member for the commits that we lack.
func (g *Groups) ask(tx *store.Tx, fx *news.Effects, row store.Group, t *cards.Tree, of rpc.Identity) error {
	a := &message.Ask{Head: row.Epoch}
	for _, e := range t.Tips() {
		if len(a.Have) < message.MaxNames {
			a.Have = append(a.Have, e.Name)
		}
	}
	return g.Say(tx, fx, row.ID, of, a)
}

// confirm: a member that says in which epoch it is has its Welcome.
func (g *Groups) confirm(tx *store.Tx, row store.Group, t *cards.Tree, member rpc.Identity, head message.EpochName) error {
	if n := t.At(head); n != nil && !n.Roster.Has(member) {
		return nil
	}
	if err := tx.DeleteOutgoingKind(member, store.KindWelcome, row.ID); err != nil {
		return err
	}
	intents, err := tx.IntentsOf(member, plan.Add)
	if err != nil {
		return err
	}
	for _, i := range intents {
		if bytes.Equal(i.Group, row.ID) && t.OnPath(i.Epoch) {
			if err := tx.DropWelcome(i.ID); err != nil {
				return err
			}
		}
	}
	return nil
}

// maxAnswer is how many bytes of commits one frame carries.
const maxAnswer = 1 << 20

// answer sends a member the tree below what it knows: not what came after it was
// removed, and not more often than it may ask.
func (g *Groups) answer(tx *store.Tx, fx *news.Effects, t *cards.Tree, to rpc.Identity, known []message.EpochName) error {
	lacks := t.Lacks(to, known)
	if len(lacks) == 0 || !g.MayAsk(t.Root.Group, to, message.ControlAsk+talk.Answering) {
		return nil
	}
	r, err := g.Ours(tx, t.Root.Group, to)
	if err != nil {
		return err
	}
	at := talk.Slot{Kind: message.ControlAsk, Brings: true}
	if err := tx.DeleteOutgoingTo(charter.ConversationID(t.Root.Group), at.Name(), to); err != nil {
		return err
	}
	part, size := &message.GroupTree{}, 0
	var added []rpc.Identity
	for n, e := range lacks {
		row, err := tx.Commit(t.Root.Group, e.Name)
		if err != nil {
			return err
		}
		part.Commits = append(part.Commits, message.Commit{Card: row.Card, Message: row.Message})
		added = append(added, e.Card.Added...)
		size += len(row.Card) + len(row.Message)
		if size <= maxAnswer && len(part.Commits) < message.MaxCommits && n < len(lacks)-1 {
			continue
		}
		parts := []message.Part{part}
		known, err := g.cardsOfAdded(tx, t, to, added)
		if err != nil {
			return err
		}
		if len(known) > 0 {
			parts = append(parts, known)
		}
		if err := g.Add(tx, fx, t.Root.Group, to, at, r, parts...); err != nil {
			return err
		}
		part, size, added = &message.GroupTree{}, 0, nil
	}
	return nil
}

// cardsOfAdded are those of people whom commits have added, which go with them to a
// member: on a branch that lost nobody else may be left to tell where they are.
func (g *Groups) cardsOfAdded(tx *store.Tx, t *cards.Tree, to rpc.Identity, added []rpc.Identity) (message.ContactCards, error) {
	if !t.Top().Roster.Has(to) {
		return nil, nil
	}
	return g.Cards(tx, added[:min(len(added), message.MaxAskedCards)], tx.Now())
}

// Speaks implements convo.Groups.
func (g *Groups) Speaks(tx *store.Tx, fx *news.Effects, row store.Group, member rpc.Identity, head [16]byte) (bool, error) {
	t, err := g.load(tx, row.ID)
	if err != nil {
		return false, err
	}
	if !t.Top().Roster.Has(member) {
		return false, nil
	}
	return true, g.heard(tx, fx, row, t, member, head)
}

// leaving keeps the wish of a member to be removed, for whoever commits next.
func (g *Groups) leaving(tx *store.Tx, fx *news.Effects, row store.Group, t *cards.Tree, from rpc.Identity, l message.Leave) error {
	if l.Who != from || !l.Verify(row.ID) {
		return fmt.Errorf("%w: leave of somebody else", convo.ErrRefused)
	}
	if !t.Asked(t.Head, l) {
		if t.At(l.Epoch) == nil { // we may be behind
			return g.heard(tx, fx, row, t, from, l.Epoch)
		}
		return nil
	}
	if err := forgetLeave(tx, row.ID, from); err != nil {
		return err
	}
	_, err := tx.AddIntent(store.Intent{
		Group: row.ID, Kind: plan.Leave, Subject: from, Value: plan.LeaveValue(l), Created: tx.Now(),
	})
	fx.Change(row.ID)
	return err
}

// forgetLeave erases the wish of somebody to leave a group.
func forgetLeave(tx *store.Tx, group []byte, who rpc.Identity) error {
	intents, err := tx.IntentsOf(who, plan.Leave)
	for _, i := range intents {
		if bytes.Equal(i.Group, group) {
			err = errors.Join(err, tx.DeleteIntent(i.ID))
		}
	}
	return err
}
