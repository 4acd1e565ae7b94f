package convo

import (
	"context"
	"fmt"
	"unicode/utf8"

	"quicnprotochat/mls"
	"quicnprotochat/mls/seal"
	"quicnprotochat/node/convo/news"
	"quicnprotochat/node/keys"
	"quicnprotochat/node/message"
	"quicnprotochat/node/store"
	"quicnprotochat/node/timeline"
	"quicnprotochat/rpc"
	"quicnprotochat/transport"
)

// States of a message, from worst to best.
const (
	StateQueued    = "queued"
	StateStored    = "stored"
	StateDirect    = "direct"
	StateDelivered = "delivered"
	StateRead      = "read"
	StateFailed    = "failed"
	// StateReceived is the state of a message that came in.
	StateReceived = timeline.Received
)

// PathMailbox is the path of what went through a relay; the other paths are
// those of package transport.
const PathMailbox = "mailbox"

// pathNone is the path of what has not gone anywhere yet.
const pathNone = string(transport.PathNone)

// Send takes a message for a contact: a Chat, Reply, Reaction, Edit, Delete or Timer.
// When it returns, the message is in the store and will be delivered. It returns
// ErrUnknownContact, ErrBlocked, ErrChanged, ErrText, ErrOutboxFull, or an error of package timeline for what it
// refuses.
func (e *Engine) Send(ctx context.Context, to rpc.Identity, what *message.Message) (m store.Message, err error) {
	err = e.Update(ctx, func(tx *store.Tx, fx *news.Effects) error {
		if err := e.mayWrite(tx, fx, to); err != nil {
			return err
		}
		c, err := e.conversation(tx, to, tx.Now())
		if err != nil {
			return err
		}
		if c, m, err = e.Write(tx, fx, c, what); err != nil {
			return err
		}
		if to == e.self {
			m.State, m.Why = StateDelivered, "a note to yourself: it stays here"
			return tx.SetMessageState(m)
		}
		fx.Send(to)
		return e.encrypt(tx, fx, c, m)
	})
	return m, err
}

// mayWrite refuses somebody to whom nothing is sent. Ourselves are no contact: what we
// write there is a note.
func (e *Engine) mayWrite(tx *store.Tx, fx *news.Effects, to rpc.Identity) error {
	if to == e.self {
		return nil
	}
	c, err := tx.Contact(to)
	if store.IsNotFound(err) {
		return ErrUnknownContact
	}
	if err != nil {
		return err
	}
	blocked, err := tx.IsBlocked(to)
	switch {
	case err != nil:
		return err
	case blocked:
		return ErrBlocked
	case c.Changed != rpc.Identity{}:
		return ErrChanged
	}
	// Who is written to need not ask any more.
	_, err = e.Settle(tx, fx, c, tx.Now())
	return err
}

// Write puts a message of ours into its conversation, without sending it.
func (e *Engine) Write(tx *store.Tx, fx *news.Effects, c store.Conversation, what *message.Message) (store.Conversation, store.Message, error) {
	var m store.Message
	switch what.Type {
	case message.Chat, message.Reply, message.Edit:
		if what.Text == "" || len(what.Text) > MaxText || !utf8.ValidString(what.Text) {
			return c, m, ErrText
		}
	}
	body, err := what.Encode()
	if err != nil {
		return c, m, fmt.Errorf("encode message: %w", err)
	}
	if n, err := tx.CountUnreceipted(c.ID, e.self); err != nil {
		return c, m, err
	} else if n >= MaxOutgoing {
		return c, m, ErrOutboxFull
	}
	c.Counter++
	c.Lamport++
	c.Archived = c.Archived && !says(what.Type)
	if err := tx.PutConversation(c); err != nil {
		return c, m, err
	}
	now := tx.Now()
	m = store.Message{
		Conversation: c.ID, Author: e.self, ID: messageID(what, e.self, c.Counter), Type: byte(what.Type), Body: body,
		Lamport: c.Lamport, Counter: c.Counter, Sent: now, Stored: now,
		State: StateQueued, Path: pathNone, Why: "just written, not sent yet",
	}
	if len(c.Group) == 0 {
		m.Why = "waiting for this person's keys, to start the conversation"
	}
	out, err := timeline.Add(tx, m, what)
	tell(fx, e.self, what.Type, out)
	if out.New {
		fx.Show(news.Event{Kind: news.EventSent, Peer: c.Peer, Message: m})
	}
	return c, m, err
}

// tell tells what a message of a type has done.
func tell(fx *news.Effects, by rpc.Identity, with message.Type, out timeline.Outcome) {
	if out.Entry == nil {
		return
	}
	if !out.Entry.Expires.IsZero() || with == message.Timer {
		fx.Expires()
	}
	if out.New {
		return
	}
	what := news.Edited
	switch {
	case with == message.Reaction || with == message.Delete && out.Entry.Erased.IsZero():
		what = news.Reacted
	case with == message.Delete:
		what = news.Deleted
	}
	fx.Show(news.Event{Kind: news.EventChanged, Peer: by, Message: *out.Entry, Change: what})
}

// encrypt puts a message into the outbox, sealed in the group that the
// conversation sends in; without a group it waits for Start.
func (e *Engine) encrypt(tx *store.Tx, fx *news.Effects, c store.Conversation, m store.Message) error {
	if len(c.Group) == 0 {
		return nil
	}
	g, err := tx.Group(c.Group)
	if err != nil {
		return fmt.Errorf("group of conversation: %w", err)
	}
	out, err := e.Encrypt(tx, fx, g, m)
	if err != nil {
		return err
	}
	out.Recipient = c.Peer
	_, err = tx.AddOutgoing(out)
	return err
}

// Encrypt returns a row for the outbox with a message of ours, encrypted in the epoch
// that a group is in, once for all members. What is missing is the Recipient.
func (e *Engine) Encrypt(tx *store.Tx, fx *news.Effects, g store.Group, m store.Message) (out store.Outgoing, err error) {
	if err := fx.Durable(); err != nil {
		return out, err
	}
	ep, records, err := e.Epoch(tx, g.Epoch)
	if err != nil {
		return out, err
	}
	data, err := message.AuthData{Head: g.Epoch, Counter: m.Counter, Lamport: m.Lamport, Sent: m.Sent}.Encode()
	if err != nil {
		return out, err
	}
	private, err := ep.Encrypt(records, data, m.Body)
	if err != nil {
		return out, fmt.Errorf("encrypt: %w", err)
	}
	frame, err := message.EncodeFrame(message.MLSMessages{private})
	if err != nil {
		return out, fmt.Errorf("encode frame: %w", err)
	}
	out = store.Outgoing{Kind: store.KindMessage, Conversation: m.Conversation, Message: m.ID, Group: g.ID, Created: tx.Now()}
	return out, e.Wrap(tx, g, g.Epoch, frame, &out)
}

// Wrap puts a frame for the members of an epoch of a group into a row for the outbox:
// sealed, once for all of them, or, in a group of the classical suite, to be sealed to
// the hybrid key of each.
func (e *Engine) Wrap(tx *store.Tx, g store.Group, epoch [16]byte, frame []byte, out *store.Outgoing) (err error) {
	if classical(g) {
		out.Frame = frame
		return nil
	}
	out.Payload, err = e.sealEpoch(tx, epoch, frame)
	return err
}

// classical reports whether a group is of a suite that is not post-quantum. What
// is sent in it is sealed to the recipient's hybrid key: a key exported from its
// epoch would protect it no better than its messages are.
func classical(g store.Group) bool { return mls.Suite(g.Suite) != keys.Suite }

// sealEpoch seals a frame to the members of an epoch.
func (e *Engine) sealEpoch(tx *store.Tx, epoch [16]byte, frame []byte) ([]byte, error) {
	row, err := tx.Epoch(epoch)
	if err != nil {
		return nil, fmt.Errorf("epoch: %w", err)
	}
	return seal.SealEpoch(seal.EpochKey(row.SealKey), frame)
}

// move encrypts the messages without a receipt again, in the group that the
// conversation now sends in.
func (e *Engine) move(tx *store.Tx, fx *news.Effects, c store.Conversation) error {
	messages, err := tx.Unreceipted(c.ID, e.self)
	if err != nil {
		return err
	}
	for _, m := range messages {
		if err := tx.DeleteOutgoingMessage(c.ID, m.ID); err != nil {
			return err
		}
		if err := e.encrypt(tx, fx, c, m); err != nil {
			return err
		}
	}
	fx.Send(c.Peer)
	return nil
}

// better states are not overwritten by worse ones.
var rank = map[string]int{StateQueued: 0, StateStored: 1, StateDirect: 2, StateDelivered: 3, StateRead: 4}

// advance moves an own message to a better state and tells it; a worse one is
// ignored.
func (e *Engine) advance(tx *store.Tx, fx *news.Effects, m store.Message, to store.Message) error {
	if rank[to.State] <= rank[m.State] {
		return nil
	}
	m.State, m.Why = to.State, to.Why
	if to.Path != "" {
		m.Path, m.Relay = to.Path, to.Relay
	}
	if err := tx.SetMessageState(m); err != nil {
		return err
	}
	c, err := tx.Conversation(m.Conversation)
	if err != nil {
		return err
	}
	fx.Show(news.Event{Kind: news.EventState, Peer: c.Peer, Message: m})
	return nil
}

// Better reports whether a state is better than another.
func Better(state, than string) bool { return rank[state] > rank[than] }

// says reports whether something of a type is said, and not about what was said: that
// brings back a conversation that was put away.
func says(t message.Type) bool { return t == message.Chat || t == message.Reply }
