package front

import (
	"context"
	"encoding/hex"
	"errors"

	"quicnprotochat/node/convo"
	"quicnprotochat/node/convo/news"
	"quicnprotochat/node/known"
	"quicnprotochat/node/localapi"
	"quicnprotochat/node/localapi/feed"
	"quicnprotochat/node/store"
	"quicnprotochat/rpc"
)

// Events is the feed of what happens.
func (f *Front) Events() *feed.Feed { return f.feed }

// wake says that the store has new events for the front ends.
func (f *Front) wake() {
	if err := f.feed.Wake(); err != nil {
		f.cfg.Log.Error("events that cannot be shown", "err", err)
	}
}

// Happened says what happened: most of it is in the store now.
func (f *Front) Happened(e news.Event) {
	if e.Kind != news.EventTyping {
		f.wake()
		return
	}
	err := f.cfg.Store.Glance(context.Background(), func(tx *store.Tx) error {
		row := store.Event{Kind: string(e.Kind), Peer: e.Peer, Conversation: e.Conversation.ID}
		shown, err := f.showEvent(tx, row)
		if err == nil {
			f.feed.Show(shown)
		}
		return err
	})
	if err != nil {
		f.cfg.Log.Debug("show who is typing", "err", err)
	}
}

// eventLog is the log of events in the store, as front ends see it.
type eventLog struct{ f *Front }

// EventRange implements feed.Log.
func (l eventLog) EventRange() (first, last uint64, err error) {
	err = l.f.cfg.Store.Glance(context.Background(), func(tx *store.Tx) error {
		a, b, err := tx.EventRange()
		first, last = uint64(a), uint64(b)
		return err
	})
	return first, last, err
}

// few is how many events the store is only glanced at for.
const few = 64

// Events implements feed.Log. An event whose message or person is gone is
// one that was missed.
func (l eventLog) Events(after, last uint64, limit int) (list []localapi.Event, err error) {
	list, err = l.read(l.f.cfg.Store.Glance, after, last, min(limit, few))
	if err != nil || len(list) < few || limit == few {
		return list, err
	}
	more, err := l.read(l.f.cfg.Store.View, list[few-1].ID, last, limit-few)
	return append(list, more...), err
}

// read reads events with a transaction of the store that does not write.
func (l eventLog) read(look func(context.Context, func(*store.Tx) error) error, after, last uint64, limit int) (list []localapi.Event, err error) {
	err = look(context.Background(), func(tx *store.Tx) error {
		rows, err := tx.Events(int64(after), int64(last), limit)
		for _, row := range rows {
			e, err := l.f.showEvent(tx, row)
			if store.IsNotFound(err) {
				e = localapi.Event{ID: uint64(row.ID), Event: localapi.EventMissed}
			} else if err != nil {
				return err
			}
			list = append(list, e)
		}
		return err
	})
	return list, err
}

// showEvent returns an event as front ends see it.
func (f *Front) showEvent(tx *store.Tx, row store.Event) (shown localapi.Event, err error) {
	shown = localapi.Event{ID: uint64(row.ID), Event: localapi.Kind(row.Kind)}
	if shown.Group, err = f.eventGroup(tx, row); err != nil {
		return shown, err
	}
	if row.Peer != (rpc.Identity{}) {
		c, err := tx.Contact(row.Peer)
		switch {
		case err == nil:
		case news.EventKind(row.Kind) == news.EventRequest:
			r, err := tx.Request(row.Peer)
			if err != nil {
				return shown, err
			}
			c = store.Contact{Identity: row.Peer, Name: called(r), Via: r.Via}
		case row.Peer == f.self:
			c = store.Contact{Identity: f.self, Name: f.cfg.Profile.Name(), Via: viaSelf}
		case shown.Group == nil:
			return shown, err
		default:
			c = store.Contact{Identity: row.Peer, Name: text(row.Peer), Via: known.ViaGroup}
		}
		person, err := showContact(tx, c)
		if err != nil {
			return shown, err
		}
		shown.Contact = &person
	}
	switch news.EventKind(row.Kind) {
	case news.EventMessage, news.EventSent, news.EventChanged:
		author := row.Peer
		if row.Author != (rpc.Identity{}) {
			author = row.Author
		}
		if shown.Event == localapi.EventChanged {
			shown.Change = localapi.Change(row.State)
		}
		if c, err := tx.Conversation(row.Conversation); err == nil {
			shown.Muted = c.Muted
		}
		shown.Message, err = f.eventMessage(tx, row.Conversation, author, row.Message)
		return shown, err
	case news.EventRequest:
		if row.Message == ([16]byte{}) {
			return shown, nil
		}
		shown.Message, err = f.eventMessage(tx, row.Conversation, row.Peer, row.Message)
		if errors.Is(err, store.ErrNotFound) {
			return shown, nil // refused since
		}
		return shown, err
	case news.EventState:
		d := showDelivery(store.Message{ID: row.Message, State: row.State, Path: row.Path, Relay: row.Relay, Why: row.Why})
		shown.Delivery = &d
	}
	return shown, nil
}

// viaSelf is how the user's own person stands where a contact does.
const viaSelf = "self"

// eventMessage returns the message that an event is about, as it is now.
func (f *Front) eventMessage(tx *store.Tx, conversation [16]byte, author rpc.Identity, id [16]byte) (*localapi.Message, error) {
	m, err := tx.Message(conversation, author, id)
	if err != nil {
		return nil, err
	}
	c, err := tx.Conversation(conversation)
	if err != nil {
		return nil, err
	}
	with := target{conversation: c.ID, group: convo.IsGroup(c), name: c.Name, contact: store.Contact{Identity: c.Peer}}
	shown, err := f.showMessage(tx, with, m)
	return &shown, err
}

// eventGroup returns the group that an event is about, nil if it is about none.
func (f *Front) eventGroup(tx *store.Tx, row store.Event) (*localapi.Group, error) {
	if row.Conversation == ([16]byte{}) {
		return nil, nil
	}
	c, err := tx.Conversation(row.Conversation)
	if err != nil || !convo.IsGroup(c) {
		return nil, err
	}
	members, err := f.cfg.Groups.Count(tx, c)
	return &localapi.Group{ID: hex.EncodeToString(c.ID[:]), Name: c.Name, Status: status(c), Members: members}, err
}
