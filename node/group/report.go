package group

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"time"

	"quicnprotochat/node/cards"
	"quicnprotochat/node/charter"
	"quicnprotochat/node/convo"
	"quicnprotochat/node/message"
	"quicnprotochat/node/plan"
	"quicnprotochat/node/store"
	"quicnprotochat/rpc"
)

// question is what was asked of whom, so that it is not asked again at once.
type question struct {
	group  string
	member rpc.Identity
	kind   message.ControlType
}

const (
	// patience is the time between two questions of one kind to one member.
	patience = 15 * time.Second
	// answering, with the kind of a question, stands for an answer to it: those of
	// one member are a little closer together than its questions are.
	answering   message.ControlType = 128
	answerPause                     = patience - 3*time.Second
)

// mayAsk reports whether it is time for a question or an answer, and notes it.
func (g *Groups) mayAsk(group []byte, member rpc.Identity, kind message.ControlType) bool {
	if kind >= answering {
		return g.mayAskEvery(answerPause, group, member, kind)
	}
	return g.mayAskEvery(patience, group, member, kind)
}

func (g *Groups) mayAskEvery(interval time.Duration, group []byte, member rpc.Identity, kind message.ControlType) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	q, now := question{string(group), member, kind}, time.Now()
	if at, ok := g.asked[q]; ok && now.Sub(at) < interval {
		return false
	}
	if len(g.asked) > 4096 {
		clear(g.asked)
	}
	g.asked[q] = now
	return true
}

// slot is a place in the outbox for one member: what is put into it takes the place
// of what is there and has had no effect yet.
type slot struct {
	// kind is the question that it asks or answers, or ControlReport.
	kind message.ControlType
	// brings tells an answer from a question; about is who a card is of.
	brings bool
	about  rpc.Identity
}

func (s slot) name() (name [16]byte) {
	copy(name[2:], s.about[:])
	if name[0] = byte(s.kind); s.brings {
		name[1] = 1
	}
	return name
}

// say is post of a control alone.
func (g *Groups) say(tx *store.Tx, fx *convo.Effects, group []byte, to rpc.Identity, body message.Body) error {
	return g.post(tx, fx, group, to, slot{kind: body.Type()}, body)
}

// post clears a slot of the outbox and adds to it.
func (g *Groups) post(tx *store.Tx, fx *convo.Effects, group []byte, to rpc.Identity, at slot, body message.Body, parts ...message.Part) error {
	at.brings = len(parts) > 0
	if err := tx.DeleteOutgoingTo(charter.ConversationID(group), at.name(), to); err != nil {
		return err
	}
	return g.add(tx, fx, group, to, at, body, parts...)
}

// add puts a control and what goes with it into the outbox for one member. It is
// sealed to that member alone: whether we are in one epoch is what it is about.
func (g *Groups) add(tx *store.Tx, fx *convo.Effects, group []byte, to rpc.Identity, at slot, body message.Body, parts ...message.Part) error {
	if _, err := tx.Contact(to); isNotFound(err) {
		return nil // its card has not come yet
	} else if err != nil {
		return err
	}
	control, err := message.NewControl(g.self, to, group, body, g.cfg.Identity.Sign)
	if err != nil {
		return fmt.Errorf("make control message: %w", err)
	}
	frame, err := message.EncodeFrame(append([]message.Part{control}, parts...)...)
	if err != nil {
		return fmt.Errorf("encode frame: %w", err)
	}
	_, err = tx.AddOutgoing(store.Outgoing{
		Recipient: to, Kind: store.KindControl, Frame: frame,
		Conversation: charter.ConversationID(group), Message: at.name(), Group: group, Created: tx.Now(),
	})
	fx.Send(to)
	return err
}

// ours is the Report that we make of a group.
func (g *Groups) ours(tx *store.Tx, group []byte, to rpc.Identity) (*message.Report, error) {
	t, err := g.load(tx, group)
	if err != nil {
		return nil, err
	}
	row, err := tx.Group(group)
	if err != nil {
		return nil, err
	}
	r := &message.Report{Head: row.Epoch}
	for i := len(t.Epochs) - 1; i > 0 && len(r.Have) < message.MaxNames; i-- {
		if n := t.Epochs[i]; n.Card.Committer == to && (n.Size > 0 || n.State == cards.StateIn) {
			r.Have = append(r.Have, n.Name)
		}
	}
	return r, nil
}

// report tells a member where we are, and which of its commits we have.
func (g *Groups) report(tx *store.Tx, fx *convo.Effects, group []byte, to rpc.Identity) error {
	r, err := g.ours(tx, group, to)
	if err != nil {
		return err
	}
	return g.say(tx, fx, group, to, r)
}

// reportCard is report with our own card.
func (g *Groups) reportCard(tx *store.Tx, fx *convo.Effects, group []byte, to rpc.Identity) error {
	return g.tell(tx, fx, group, to, g.self)
}

// tell is report with the card of a member.
func (g *Groups) tell(tx *store.Tx, fx *convo.Effects, group []byte, to, about rpc.Identity) error {
	known, err := g.contactCards(tx, []rpc.Identity{about}, tx.Now())
	if err != nil || len(known) == 0 {
		return err
	}
	r, err := g.ours(tx, group, to)
	if err != nil {
		return err
	}
	return g.post(tx, fx, group, to, slot{kind: message.ControlReport, about: about}, r, known)
}

// Control implements convo.Groups.
func (g *Groups) Control(tx *store.Tx, fx *convo.Effects, m *message.Control, body message.Body) error {
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
		return g.giveCards(tx, fx, t, m.Sender, b.Who)
	}
	return fmt.Errorf("%w: control message of unknown type %d", convo.ErrRefused, m.Type)
}

// reported takes a Report: what it confirms leaves the outbox, and whoever of the
// two lacks something gets it.
func (g *Groups) reported(tx *store.Tx, fx *convo.Effects, row store.Group, t *cards.Tree, from rpc.Identity, r *message.Report) error {
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
	if !g.mayAsk(row.ID, from, message.ControlReport) {
		return nil
	}
	return g.answer(tx, fx, t, from, []message.EpochName{r.Head})
}

// heard notes what a member takes for the head. If we do not know it we ask.
func (g *Groups) heard(tx *store.Tx, fx *convo.Effects, row store.Group, t *cards.Tree, from rpc.Identity, head message.EpochName) error {
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
	if t.At(head) != nil || !g.mayAsk(row.ID, from, message.ControlAsk) {
		return nil
	}
	return g.ask(tx, fx, row, t, from)
}

// ask asks a member for the commits that we lack.
func (g *Groups) ask(tx *store.Tx, fx *convo.Effects, row store.Group, t *cards.Tree, of rpc.Identity) error {
	a := &message.Ask{Head: row.Epoch}
	for _, e := range t.Tips() {
		if len(a.Have) < message.MaxNames {
			a.Have = append(a.Have, e.Name)
		}
	}
	return g.say(tx, fx, row.ID, of, a)
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
func (g *Groups) answer(tx *store.Tx, fx *convo.Effects, t *cards.Tree, to rpc.Identity, known []message.EpochName) error {
	lacks := t.Lacks(to, known)
	if len(lacks) == 0 || !g.mayAsk(t.Root.Group, to, message.ControlAsk+answering) {
		return nil
	}
	r, err := g.ours(tx, t.Root.Group, to)
	if err != nil {
		return err
	}
	at := slot{kind: message.ControlAsk, brings: true}
	if err := tx.DeleteOutgoingTo(charter.ConversationID(t.Root.Group), at.name(), to); err != nil {
		return err
	}
	part, size := &message.GroupTree{}, 0
	for n, e := range lacks {
		row, err := tx.Commit(t.Root.Group, e.Name)
		if err != nil {
			return err
		}
		part.Commits = append(part.Commits, message.Commit{Card: row.Card, Message: row.Message})
		size += len(row.Card) + len(row.Message)
		if size <= maxAnswer && len(part.Commits) < message.MaxCommits && n < len(lacks)-1 {
			continue
		}
		if err := g.add(tx, fx, t.Root.Group, to, at, r, part); err != nil {
			return err
		}
		part, size = &message.GroupTree{}, 0
	}
	return nil
}

// Speaks implements convo.Groups.
func (g *Groups) Speaks(tx *store.Tx, fx *convo.Effects, row store.Group, member rpc.Identity, head [16]byte) (bool, error) {
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
func (g *Groups) leaving(tx *store.Tx, fx *convo.Effects, row store.Group, t *cards.Tree, from rpc.Identity, l message.Leave) error {
	if l.Who != from || !l.Verify(row.ID) {
		return fmt.Errorf("%w: leave of somebody else", convo.ErrRefused)
	}
	if !t.Asked(t.Head, l) {
		if t.At(l.Epoch) == nil { // we may be behind
			return g.heard(tx, fx, row, t, from, l.Epoch)
		}
		return nil
	}
	intents, err := tx.IntentsOf(from, plan.Leave)
	if err != nil {
		return err
	}
	for _, i := range intents {
		if bytes.Equal(i.Group, row.ID) {
			if err := tx.DeleteIntent(i.ID); err != nil {
				return err
			}
		}
	}
	_, err = tx.AddIntent(store.Intent{
		Group: row.ID, Kind: plan.Leave, Subject: from, Value: plan.LeaveValue(l), Created: tx.Now(),
	})
	fx.Change(row.ID)
	return err
}
