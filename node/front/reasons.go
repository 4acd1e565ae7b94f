package front

import (
	"context"
	"encoding/hex"
	"fmt"
	"time"

	"quicnprotochat/node/convo"
	"quicnprotochat/node/localapi"
	"quicnprotochat/node/store"
	"quicnprotochat/node/tries"
	"quicnprotochat/rpc"
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
		ID: hex.EncodeToString(m.ID[:]), State: d.State, Path: d.Path, Relay: d.Relay, Why: d.Why,
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
		r.Tries = append(r.Tries, showTry(t))
	}
	return r
}

func showTry(t tries.Try) localapi.Try {
	shown := localapi.Try{
		Way: string(t.Way), Time: localapi.Time{Time: t.At}, Last: localapi.Time{Time: t.Last}, Times: max(t.Times, 1),
		Took: took(t.Took), Path: localapi.Path(t.Path), OK: t.OK, Result: t.Result,
	}
	if t.Last.IsZero() {
		shown.Last = shown.Time
	}
	if shown.Path == "" {
		shown.Path = localapi.PathNone
	}
	if !t.Relay.IsZero() {
		shown.Relay = t.Relay.String()
		shown.Path = localapi.PathMailbox
	}
	return shown
}

// took is a duration as it is shown: what nobody can tell apart is left out.
func took(d time.Duration) string {
	switch {
	case d >= 10*time.Second:
		d = d.Round(100 * time.Millisecond)
	case d >= 10*time.Millisecond:
		d = d.Round(time.Millisecond)
	default:
		d = d.Round(10 * time.Microsecond)
	}
	return d.String()
}

// Ping implements localapi.Reasons.
func (f *Front) Ping(ctx context.Context, who string) (localapi.Ping, error) {
	c, err := f.find(ctx, who)
	if err != nil {
		return localapi.Ping{}, err
	}
	host, relays := f.cfg.Deliverer.Places(c.Identity)
	p := localapi.Ping{Identity: text(c.Identity), Name: c.Name, Path: localapi.PathNone}
	found := make(chan call, 1)
	go func() { found <- f.call(ctx, host) }()
	answers := make([]chan call, len(relays))
	for i, r := range relays {
		answers[i] = make(chan call, 1)
		go func() { answers[i] <- f.call(ctx, r.Key) }()
	}
	kept := ""
	for i, r := range relays {
		a := <-answers[i]
		p.Relays = append(p.Relays, localapi.PingRelay{URL: r.String(), Reached: a.err == nil, RTT: a.rtt, Error: a.reason()})
		if a.err == nil && kept == "" {
			kept = r.Host
		}
	}
	a := <-found
	p.Reached, p.RTT, p.Dialled, p.Error = a.err == nil, a.rtt, a.dialled, a.reason()
	state := f.cfg.Host.Peer(host)
	if p.Reached {
		p.Path, p.Addr = localapi.Path(state.Path), state.Remote.String()
	}
	for _, t := range state.Tried {
		p.Tried = append(p.Tried, localapi.Tried{Addr: t.Addr.String(), Error: t.Err, Time: localapi.Time{Time: t.At}})
	}
	p.Why = outlook(p, kept)
	return p, nil
}

// outlook says what becomes of a message now; kept is the relay that answers.
func outlook(p localapi.Ping, kept string) string {
	switch {
	case p.Reached:
		return "a message goes straight to their machine"
	case kept != "":
		return "their machine does not answer: a message waits at their relay " + kept + " until it is back"
	case len(p.Relays) > 0:
		return "neither their machine nor a relay of theirs answers: a message waits here; is this machine online? see qpc netcheck"
	default:
		return "their machine does not answer and they have no relay: a message waits here until both machines are up; a relay would keep it (qpc up --relay URL, on their side)"
	}
}

// call is how a machine answered.
type call struct {
	rtt, dialled string
	err          error
}

func (c call) reason() string {
	if c.err == nil {
		return ""
	}
	return tries.Plain(c.err)
}

const (
	// pings is how many round trips a call takes, pingWait how long one may, and
	// pingDial how long it may take to connect.
	pings    = 3
	pingWait = 3 * time.Second
	pingDial = 6 * time.Second
)

// call connects to a machine, if need be, and measures its round trip. A link that
// is dead is replaced once.
func (f *Front) call(ctx context.Context, k [32]byte) (c call) {
	for range 2 {
		began := time.Now()
		connected := f.cfg.Host.Peer(k).Connected
		dialling, cancel := context.WithTimeout(ctx, pingDial)
		client, drop, err := f.cfg.Deliverer.Client(dialling, k)
		cancel()
		if err != nil {
			return call{err: err}
		}
		if !connected {
			c.dialled = took(time.Since(began))
		}
		if c.rtt, c.err = roundTrip(ctx, client); c.err == nil || !connected {
			return c
		}
		drop()
	}
	return c
}

func roundTrip(ctx context.Context, client *rpc.Client) (string, error) {
	var least time.Duration
	for i := range pings {
		ctx, cancel := context.WithTimeout(ctx, pingWait)
		began := time.Now()
		_, err := client.Health(ctx)
		rtt := time.Since(began)
		cancel()
		if err != nil {
			return "", fmt.Errorf("no answer over the connection: %w", err)
		}
		if i == 0 || rtt < least {
			least = rtt
		}
	}
	return took(least), nil
}
