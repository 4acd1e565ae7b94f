package convo

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"slices"

	"quicnprotochat/mls/seal"
	"quicnprotochat/node/convo/news"
	"quicnprotochat/node/convo/pair"
	"quicnprotochat/node/keys"
	"quicnprotochat/node/message"
	"quicnprotochat/node/store"
	"quicnprotochat/rpc"
)

// maxRangeSpan bounds the rows that one range of a receipt makes us read.
const maxRangeSpan = 10_000

// messageID is the id of a message: its own, or one made of its place if its
// type has none.
func messageID(m *message.Message, author rpc.Identity, counter uint64) [16]byte {
	if m.Type == message.Chat {
		return m.ID
	}
	place := binary.BigEndian.AppendUint64(append([]byte("qpc place v1"), author[:]...), counter)
	sum := sha256.Sum256(place)
	return [16]byte(sum[:16])
}

// Receipt is a sealed receipt and the debts that it pays.
type Receipt struct {
	Payload []byte
	due     []store.ReceiptDue
}

// Receipt makes a receipt owed to author, of the first conversation that has something
// to seal it with; nil if none has: no group, the key of one that we have left, or no
// hybrid key of the author for a classical one. Call Receipted once it is durable
// elsewhere: until then it is owed.
func (e *Engine) Receipt(ctx context.Context, author rpc.Identity) (r *Receipt, err error) {
	err = e.cfg.Store.Glance(ctx, func(tx *store.Tx) error {
		due, err := tx.ReceiptsDue(author)
		if err != nil || len(due) == 0 {
			return err
		}
		if _, err := tx.Request(author); err == nil { // who asks to be a contact is told nothing
			pair := pair.ID(e.self, author)
			due = slices.DeleteFunc(due, func(d store.ReceiptDue) bool { return d.Conversation == pair })
		} else if !store.IsNotFound(err) {
			return err
		}
		for of := range byConversation(due) {
			if r, err = e.receiptOf(tx, author, of); err != nil || r != nil {
				return err
			}
		}
		return nil
	})
	return r, err
}

// byConversation goes through debts that are in the order of their conversations, those
// of one at a time.
func byConversation(due []store.ReceiptDue) iter.Seq[[]store.ReceiptDue] {
	return func(yield func([]store.ReceiptDue) bool) {
		for len(due) > 0 {
			n := 1
			for n < len(due) && due[n].Conversation == due[0].Conversation {
				n++
			}
			if !yield(due[:n]) {
				return
			}
			due = due[n:]
		}
	}
}

// receiptOf makes the receipt of what is due in one conversation; nil if there is
// nothing to seal it with.
func (e *Engine) receiptOf(tx *store.Tx, author rpc.Identity, due []store.ReceiptDue) (*Receipt, error) {
	c, err := tx.Conversation(due[0].Conversation)
	if store.IsNotFound(err) || err == nil && len(c.Group) == 0 {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	g, err := tx.Group(c.Group)
	if err != nil {
		return nil, err
	}
	parts, due, err := e.receipts(due, g, author)
	if err != nil {
		return nil, err
	}
	payload, err := e.sealReceipt(tx, g, author, parts...)
	if err != nil || payload == nil {
		return nil, err
	}
	return &Receipt{Payload: payload, due: due}, nil
}

// receipts returns the controls that pay debts of one conversation, and those that
// they pay: the rest goes with the next ones.
func (e *Engine) receipts(due []store.ReceiptDue, g store.Group, author rpc.Identity) (parts []message.Part, paid []store.ReceiptDue, err error) {
	var here, read message.Ranges
	for _, d := range due {
		ranges := &here
		if d.Read {
			ranges = &read
		}
		if ranges.Add(d.Counter); len(*ranges) > message.MaxRanges {
			break
		}
		paid = append(paid, d)
	}
	for _, body := range []message.Body{
		&message.Receipt{Author: author, Head: g.Epoch, Ranges: here[:min(len(here), message.MaxRanges)]},
		&message.Read{Author: author, Head: g.Epoch, Ranges: read[:min(len(read), message.MaxRanges)]},
	} {
		if _, isRead := body.(*message.Read); isRead && len(read) == 0 || !isRead && len(here) == 0 {
			continue
		}
		control, err := e.Signed(author, g.ID, body)
		if err != nil {
			return nil, nil, err
		}
		parts = append(parts, control)
	}
	return parts, paid, nil
}

// sealReceipt seals controls as messages of the group are sealed; nil if the key
// for it is not here.
func (e *Engine) sealReceipt(tx *store.Tx, g store.Group, author rpc.Identity, parts ...message.Part) ([]byte, error) {
	frame, err := message.EncodeFrame(parts...)
	if err != nil {
		return nil, fmt.Errorf("encode frame: %w", err)
	}
	if !classical(g) {
		payload, err := e.sealEpoch(tx, g.Epoch, frame)
		if store.IsNotFound(err) { // we were removed
			return nil, nil
		}
		return payload, err
	}
	key, err := keys.Of(tx, author, tx.Now())
	if store.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return seal.Seal(key, author, frame)
}

// Receipted forgets the debts that a receipt has paid.
func (e *Engine) Receipted(ctx context.Context, r *Receipt) error {
	return e.Follow(ctx, func(tx *store.Tx, _ *news.Effects) error { return tx.DeleteReceiptsDue(r.due) })
}

// receipt takes a receipt that is a control message.
func (e *Engine) receipt(tx *store.Tx, fx *news.Effects, m *message.Control, r *message.Receipt) error {
	c, contact, err := e.from(tx, fx, m, r.Head)
	if err != nil {
		return err
	}
	if err := e.InGroup(tx, contact, m.Group); err != nil {
		return err
	}
	return e.delivered(tx, fx, c, m.Sender, r)
}

// delivered marks own messages as delivered to somebody.
func (e *Engine) delivered(tx *store.Tx, fx *news.Effects, c store.Conversation, to rpc.Identity, r *message.Receipt) error {
	return e.reached(tx, fx, c, to, r, StateDelivered)
}

// reached notes how far own messages came to somebody who says so.
func (e *Engine) reached(tx *store.Tx, fx *news.Effects, c store.Conversation, to rpc.Identity, r *message.Receipt, state string) error {
	if r.Author != e.self {
		return fmt.Errorf("%w: receipt for somebody else's messages", ErrRefused)
	}
	if IsGroup(c) {
		return e.groups.Reached(tx, fx, c, to, r.Ranges, state)
	}
	return e.EachOwn(tx, c, r.Ranges, func(own store.Message) error {
		if err := tx.DeleteOutgoingMessage(c.ID, own.ID); err != nil {
			return err
		}
		to := store.Message{State: state, Why: "the other side's receipt came back"}
		if state == StateRead {
			to.Why = "the other side has read it"
		}
		if Better(StateDelivered, own.State) {
			own.Tries = JoinTries(own.Tries, ReceiptTry(fx.In.Via))
		}
		if own.Path == pathNone && fx.In.Via != PathMailbox {
			to.Path = fx.In.Via // the acknowledgement came the same way before, and is not noted yet
		}
		return e.advance(tx, fx, own, to)
	})
}

// repair answers somebody who misses messages of ours: they are sent again.
func (e *Engine) repair(tx *store.Tx, fx *news.Effects, m *message.Control, r *message.Repair) error {
	c, _, err := e.from(tx, fx, m, r.Head)
	if err != nil {
		return err
	}
	if r.Author != e.self {
		return fmt.Errorf("%w: repair of somebody else's messages", ErrRefused)
	}
	if IsGroup(c) {
		return nil // what has no receipt is sent again anyway
	}
	fx.Send(m.Sender)
	return e.EachOwn(tx, c, r.Ranges, func(own store.Message) error {
		if rank[own.State] >= rank[StateDelivered] {
			return nil
		}
		if err := tx.DeleteOutgoingMessage(c.ID, own.ID); err != nil {
			return err
		}
		return e.encrypt(tx, fx, c, own)
	})
}

// from returns the conversation and the contact that a control message is about.
// In a group the sender must be a member, and takes head for the head.
func (e *Engine) from(tx *store.Tx, fx *news.Effects, m *message.Control, head [16]byte) (c store.Conversation, contact store.Contact, err error) {
	if contact, err = tx.Contact(m.Sender); err == nil {
		c, err = tx.ConversationOf(m.Sender)
	}
	g, groupErr := tx.Group(m.Group)
	if groupErr == nil && (store.IsNotFound(err) || g.Conversation != c.ID) {
		if c, err = tx.Conversation(g.Conversation); err != nil || !IsGroup(c) {
			return c, contact, errors.Join(err, fmt.Errorf("%w: control message about a group of others", ErrRefused))
		}
		ok, err := e.groups.Speaks(tx, fx, g, m.Sender, head)
		if err == nil && !ok {
			err = fmt.Errorf("%w: control message by somebody who is not in the group", ErrRefused)
		}
		return c, contact, err
	}
	if store.IsNotFound(err) {
		return c, contact, fmt.Errorf("%w: control message from somebody without a conversation", ErrRefused)
	}
	return c, contact, err
}

// EachOwn calls fn for the own messages of those counters.
func (e *Engine) EachOwn(tx *store.Tx, c store.Conversation, ranges message.Ranges, fn func(store.Message) error) error {
	for _, r := range ranges {
		messages, err := tx.MessagesByCounter(c.ID, e.self, r.Lo, r.Hi, maxRangeSpan)
		if err != nil {
			return err
		}
		for _, m := range messages {
			if err := fn(m); err != nil {
				return err
			}
		}
	}
	return nil
}
