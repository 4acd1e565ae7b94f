package talk

import (
	"fmt"
	"sync"
	"time"

	"quicnprotochat/node/cards"
	"quicnprotochat/node/charter"
	"quicnprotochat/node/convo/news"
	"quicnprotochat/node/identity"
	"quicnprotochat/node/message"
	"quicnprotochat/node/profile"
	"quicnprotochat/node/store"
	"quicnprotochat/rpc"
)

// Config says who talks. All fields are required.
type Config struct {
	Self     rpc.Identity
	Identity *identity.Identity
	Profile  *profile.Profile
	// Group returns the rows of a group, Load its tree.
	Group func(tx *store.Tx, group []byte) (store.Group, store.Conversation, error)
	Load  func(tx *store.Tx, group []byte) (*cards.Tree, error)
}

// Talk is what we say to members of groups, one by one.
type Talk struct {
	cfg Config

	// mu guards the fields below.
	mu    sync.Mutex
	asked map[question]time.Time
}

// New returns the talk of a node.
func New(cfg Config) *Talk { return &Talk{cfg: cfg, asked: make(map[question]time.Time)} }

// question is what was asked of whom, so that it is not asked again at once.
type question struct {
	group  string
	member rpc.Identity
	kind   message.ControlType
}

const (
	// Patience is the time between two questions of one kind to one member.
	Patience = 15 * time.Second
	// Answering, with the kind of a question, stands for an answer to it: those of
	// one member are a little closer together than its questions are.
	Answering   message.ControlType = 128
	answerPause                     = Patience - 3*time.Second
)

// MayAsk reports whether it is time for a question or an answer, and notes it.
func (k *Talk) MayAsk(group []byte, member rpc.Identity, kind message.ControlType) bool {
	if kind >= Answering {
		return k.mayAskEvery(answerPause, group, member, kind)
	}
	return k.mayAskEvery(Patience, group, member, kind)
}

func (k *Talk) mayAskEvery(interval time.Duration, group []byte, member rpc.Identity, kind message.ControlType) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	q, now := question{string(group), member, kind}, time.Now()
	if at, ok := k.asked[q]; ok && now.Sub(at) < interval {
		return false
	}
	if len(k.asked) > 4096 {
		clear(k.asked)
	}
	k.asked[q] = now
	return true
}

// Slot is a place in the outbox for one member: what is put into it takes the place
// of what is there and has had no effect yet.
type Slot struct {
	// Kind is the question that it asks or answers, or ControlReport.
	Kind message.ControlType
	// Brings tells an answer from a question; About is who a card is of.
	Brings bool
	About  rpc.Identity
}

// Name is that of the row.
func (s Slot) Name() (name [16]byte) {
	copy(name[2:], s.About[:])
	if name[0] = byte(s.Kind); s.Brings {
		name[1] = 1
	}
	return name
}

// Say is Post of a control alone, in the slot of its type.
func (k *Talk) Say(tx *store.Tx, fx *news.Effects, group []byte, to rpc.Identity, body message.Body) error {
	return k.Post(tx, fx, group, to, Slot{Kind: body.Type()}, body)
}

// Post clears a slot of the outbox and adds to it.
func (k *Talk) Post(tx *store.Tx, fx *news.Effects, group []byte, to rpc.Identity, at Slot, body message.Body, parts ...message.Part) error {
	at.Brings = len(parts) > 0
	if err := tx.DeleteOutgoingTo(charter.ConversationID(group), at.Name(), to); err != nil {
		return err
	}
	return k.Add(tx, fx, group, to, at, body, parts...)
}

// Add puts a control and what goes with it into the outbox for one member. It is
// sealed to that member alone: whether we are in one epoch is what it is about.
func (k *Talk) Add(tx *store.Tx, fx *news.Effects, group []byte, to rpc.Identity, at Slot, body message.Body, parts ...message.Part) error {
	if _, err := tx.Contact(to); store.IsNotFound(err) {
		return nil // its card has not come yet
	} else if err != nil {
		return err
	}
	control, err := message.NewControl(k.cfg.Self, to, group, body, k.cfg.Identity.Sign)
	if err != nil {
		return fmt.Errorf("make control message: %w", err)
	}
	frame, err := message.EncodeFrame(append([]message.Part{control}, parts...)...)
	if err != nil {
		return fmt.Errorf("encode frame: %w", err)
	}
	_, err = tx.AddOutgoing(store.Outgoing{
		Recipient: to, Kind: store.KindControl, Frame: frame,
		Conversation: charter.ConversationID(group), Message: at.Name(), Group: group, Created: tx.Now(),
	})
	fx.Send(to)
	return err
}

// Ours is the Report that we make of a group.
func (k *Talk) Ours(tx *store.Tx, group []byte, to rpc.Identity) (*message.Report, error) {
	t, err := k.cfg.Load(tx, group)
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

// Report tells a member where we are, and which of its commits we have.
func (k *Talk) Report(tx *store.Tx, fx *news.Effects, group []byte, to rpc.Identity) error {
	r, err := k.Ours(tx, group, to)
	if err != nil {
		return err
	}
	return k.Say(tx, fx, group, to, r)
}

// reportCard is Report with our own card.
func (k *Talk) reportCard(tx *store.Tx, fx *news.Effects, group []byte, to rpc.Identity) error {
	return k.Tell(tx, fx, group, to, k.cfg.Self)
}

// Tell is Report with the card of a member.
func (k *Talk) Tell(tx *store.Tx, fx *news.Effects, group []byte, to, about rpc.Identity) error {
	known, err := k.Cards(tx, []rpc.Identity{about}, tx.Now())
	if err != nil || len(known) == 0 {
		return err
	}
	r, err := k.Ours(tx, group, to)
	if err != nil {
		return err
	}
	return k.Post(tx, fx, group, to, Slot{Kind: message.ControlReport, About: about}, r, known)
}
