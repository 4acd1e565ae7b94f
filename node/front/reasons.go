package front

import (
	"context"
	"encoding/hex"
	"time"

	"quicnprotochat/node/convo"
	"quicnprotochat/node/front/network"
	"quicnprotochat/node/localapi"
	"quicnprotochat/node/store"
	"quicnprotochat/node/tries"
	"quicnprotochat/rpc"
	"quicnprotochat/transport"
)

// Why implements localapi.Reasons.
func (f *Front) Why(ctx context.Context, id string) (x localapi.Explanation, err error) {
	b, err := parseID(id)
	if err != nil {
		return x, err
	}
	err = f.cfg.Store.View(ctx, func(tx *store.Tx) error {
		rows, err := tx.MessageByID(b)
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			return unknownID(id)
		}
		m := rows[0]
		for _, row := range rows {
			if row.Author == f.self {
				m = row
			}
		}
		x = f.explain(m)
		if m.Author != f.self {
			return nil
		}
		x.To, err = f.recipients(tx, m)
		return err
	})
	return x, err
}

// explain is what the row of a message says itself.
func (f *Front) explain(m store.Message) localapi.Explanation {
	d := showDelivery(m)
	x := localapi.Explanation{
		Online: f.Online(),
		ID:     hex.EncodeToString(m.ID[:]), State: d.State, Path: d.Path, Relay: d.Relay, Why: d.Why,
		Sent: localapi.Time{Time: m.Sent}, Stored: localapi.Time{Time: m.Stored},
	}
	if m.Author != f.self && x.Why == "" {
		x.Why = "it came in"
	}
	return x
}

// recipients are those whom a message of our own is for.
func (f *Front) recipients(tx *store.Tx, m store.Message) ([]localapi.Recipient, error) {
	c, err := tx.Conversation(m.Conversation)
	if err != nil {
		return nil, err
	}
	if !convo.IsGroup(c) {
		return []localapi.Recipient{f.recipient(tx, m, store.Listener{Member: c.Peer, State: m.State, Tries: m.Tries})}, nil
	}
	audience, err := tx.Audience(m.Conversation, m.ID)
	all := make([]localapi.Recipient, 0, len(audience))
	for _, l := range audience {
		all = append(all, f.recipient(tx, m, l))
	}
	return all, err
}

// recipient joins what is kept with the message and what was tried since then.
func (f *Front) recipient(tx *store.Tx, m store.Message, l store.Listener) localapi.Recipient {
	r := localapi.Recipient{Identity: text(l.Member), Name: f.nameOf(tx, l.Member), State: localapi.State(l.State)}
	list := tries.Decode(l.Tries)
	var end time.Time
	for _, t := range list {
		if t.Way == tries.Receipt || t.Way == tries.Machine && t.OK {
			end = t.Ended()
		}
	}
	lately, next := f.cfg.Deliverer.Tried(l.Member)
	if l.State != convo.StateFailed {
		list = tries.Join(list, tries.Between(lately, m.Sent, end))
	}
	if l.State == convo.StateQueued && next.After(time.Now()) {
		r.Next = &localapi.Time{Time: next}
	}
	for _, t := range list {
		r.Tries = append(r.Tries, f.showTry(l.Member, t))
	}
	return r
}

// showTry is one try for somebody.
func (f *Front) showTry(to rpc.Identity, t tries.Try) localapi.Try {
	shown := localapi.Try{
		Way: string(t.Way), Time: localapi.Time{Time: t.At}, Last: localapi.Time{Time: t.Last}, Times: max(t.Times, 1),
		Took: network.Took(t.Took), Path: localapi.Path(t.Path), OK: t.OK, Result: t.Result,
	}
	if t.Last.IsZero() {
		shown.Last = shown.Time
	}
	if shown.Path == "" {
		shown.Path = localapi.PathNone
	}
	if !t.Relay.IsZero() {
		shown.Relay, shown.RelayURL = t.Relay.String(), f.relayURL(to, t.Relay)
		shown.Path = localapi.PathMailbox
	}
	return shown
}

// relayURL is where a relay of somebody is, or one of ours; "" if it is neither any more.
func (f *Front) relayURL(of rpc.Identity, relay transport.Key) string {
	_, relays := f.cfg.Deliverer.Places(of)
	for _, u := range relays {
		if u.Key == relay {
			return u.String()
		}
	}
	for _, home := range f.cfg.Deliverer.HomeRelays() {
		if home.URL.Key == relay {
			return home.URL.String()
		}
	}
	return ""
}

// Ping implements localapi.Reasons.
func (f *Front) Ping(ctx context.Context, who string) (localapi.Ping, error) {
	c, err := f.other(ctx, who)
	if err != nil {
		return localapi.Ping{}, err
	}
	return f.Call(ctx, c.Identity, c.Name), nil
}
