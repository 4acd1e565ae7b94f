package front

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"

	"quicnprotochat/node/convo"
	"quicnprotochat/node/localapi"
	"quicnprotochat/node/message"
	"quicnprotochat/node/store"
	"quicnprotochat/node/timeline"
)

// Send implements localapi.Messages.
func (f *Front) Send(ctx context.Context, who, body string) (localapi.Delivery, error) {
	relay := ""
	to, err := f.aim(ctx, who, func(ctx context.Context, who string) (c store.Contact, err error) {
		c, relay, err = f.findOrAsk(ctx, who)
		return c, err
	})
	if err != nil {
		return localapi.Delivery{}, err
	}
	d, err := f.say(ctx, to, &message.Message{Type: message.Chat, ID: message.NewID(), Text: body})
	d.NewRelay = relay
	return d, err
}

// say sends a message of whatever type to a conversation.
func (f *Front) say(ctx context.Context, to target, what *message.Message) (localapi.Delivery, error) {
	var m store.Message
	err := f.cfg.Deliverer.Sure(ctx)
	switch {
	case err != nil:
	case to.group:
		m, err = f.cfg.Groups.Send(ctx, to.conversation, what)
		err = groupError(to.name, err)
	default:
		m, err = f.cfg.Engine.Send(ctx, to.contact.Identity, what)
	}
	if err != nil {
		return localapi.Delivery{}, sayError(to, err)
	}
	return showDelivery(m), nil
}

// sayError puts what is refused of a message into words.
func sayError(to target, err error) error {
	e := &localapi.Error{Exit: localapi.ExitUsage}
	switch {
	case errors.Is(err, convo.ErrText):
		e.Message = err.Error()
	case errors.Is(err, convo.ErrOutboxFull):
		e.Message = fmt.Sprintf("%d messages wait for %s already", convo.MaxOutgoing, to.name)
		e.Hint, e.Exit = "qpc status says why they are not delivered", localapi.ExitOther
	case errors.Is(err, convo.ErrBlocked):
		e.Message, e.Hint, e.Exit = "you have blocked "+to.name, "qpc unblock CONTACT takes that back", localapi.ExitOther
	case errors.Is(err, convo.ErrChanged):
		e.Message = fmt.Sprintf("a relay says that %s has another identity now: nothing is sent until you choose", to.name)
		e.Hint = "ask them by another way; then qpc accept CONTACT takes the new one, qpc refuse CONTACT stays with the old one"
		e.Exit = localapi.ExitSignature
	case errors.Is(err, timeline.ErrKind), errors.Is(err, timeline.ErrUnknown), errors.Is(err, timeline.ErrNotAuthor):
		e.Message = "that cannot be done with this message: " + err.Error()
		e.Hint = "own texts can be edited and deleted, deleted ones not at all"
	default:
		return err
	}
	return e
}

func showDelivery(m store.Message) localapi.Delivery {
	d := localapi.Delivery{
		ID: hex.EncodeToString(m.ID[:]), State: localapi.State(m.State), Path: localapi.Path(m.Path), Why: m.Why,
	}
	if !m.Relay.IsZero() {
		d.Relay = m.Relay.String()
	}
	return d
}

// Await implements localapi.Messages.
func (f *Front) Await(ctx context.Context, id string, want localapi.State) (localapi.Delivery, error) {
	listen, cancel := context.WithCancel(ctx)
	defer cancel()
	for {
		events, _, err := f.feed.Subscribe(listen, 0)
		if err != nil {
			return localapi.Delivery{}, err
		}
		d, err := f.delivery(context.WithoutCancel(ctx), id)
		if err != nil || d.State.Reaches(want) || d.State == localapi.Failed || ctx.Err() != nil {
			return d, err
		}
		for e := range events {
			if e.Delivery != nil && e.Delivery.ID == id && (e.Delivery.State.Reaches(want) || e.Delivery.State == localapi.Failed) {
				return *e.Delivery, nil
			}
		}
	}
}

// delivery returns the present state of an own message.
func (f *Front) delivery(ctx context.Context, id string) (d localapi.Delivery, err error) {
	b, err := parseID(id)
	if err != nil {
		return d, err
	}
	err = f.cfg.Store.Glance(ctx, func(tx *store.Tx) error {
		rows, err := tx.MessageByID(b)
		if err != nil {
			return err
		}
		for _, m := range rows {
			if m.Author == f.self {
				d = showDelivery(m)
				return nil
			}
		}
		return unknownID(id)
	})
	return d, err
}

// historyPage is how many messages one look at the store brings.
const historyPage = 256

// History implements localapi.Messages.
func (f *Front) History(ctx context.Context, who string, limit int, after string, emit func(localapi.Message) error) error {
	with, err := f.aim(ctx, who, f.find)
	if err != nil {
		return err
	}
	id := with.conversation
	first := func(tx *store.Tx) ([]store.Message, error) { return tx.History(id, nil, limit) }
	switch {
	case after != "":
		from, err := parseID(after)
		if err != nil {
			return err
		}
		first = func(tx *store.Tx) ([]store.Message, error) { return tx.History(id, &from, page(limit)) }
	case limit == 0:
		first = func(tx *store.Tx) ([]store.Message, error) {
			return tx.HistoryAfter(id, store.Position{}, historyPage)
		}
	}
	for look, left := first, limit; ; {
		var rows []store.Message
		var entries []localapi.Message
		err := f.cfg.Store.View(ctx, func(tx *store.Tx) (err error) {
			if rows, err = look(tx); err != nil {
				return err
			}
			entries, err = f.showMessages(tx, with, rows)
			return err
		})
		if store.IsNotFound(err) {
			return unknownID(after)
		}
		if err != nil {
			return err
		}
		for _, m := range entries {
			if err := emit(m); err != nil {
				return err
			}
		}
		if left -= len(rows); len(rows) < page(limit) || limit > 0 && left <= 0 {
			return nil
		}
		last := rows[len(rows)-1].Position()
		look = func(tx *store.Tx) ([]store.Message, error) { return tx.HistoryAfter(id, last, page(left)) }
	}
}

// page is how many messages the next look brings when limit are wanted, 0
// meaning all.
func page(limit int) int {
	if limit <= 0 {
		return historyPage
	}
	return min(limit, historyPage)
}

func parseID(text string) (id [16]byte, err error) {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != len(id) {
		return id, &localapi.Error{
			Message: fmt.Sprintf("%q is not a message id", text),
			Hint:    "a message is named by its id, which qpc history CONVERSATION --json prints, by four or more digits of it, or by the word last",
			Exit:    localapi.ExitUsage,
		}
	}
	return [16]byte(b), nil
}

func unknownID(text string) error {
	return &localapi.Error{
		Message: fmt.Sprintf("no message here has the id %q", text),
		Hint:    "qpc history CONTACT lists the messages with their ids",
		Exit:    localapi.ExitUsage,
	}
}
