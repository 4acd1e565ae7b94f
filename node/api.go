package node

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"quicnprotochat/node/contact"
	"quicnprotochat/node/convo"
	"quicnprotochat/node/localapi"
	"quicnprotochat/node/message"
	"quicnprotochat/node/store"
	"quicnprotochat/rpc"
	"quicnprotochat/transport"
)

// Identity implements localapi.Self.
func (n *Node) Identity(context.Context) (localapi.Identity, error) {
	return localapi.Identity{Identity: text(n.identity.ID()), Name: n.profile.Name()}, nil
}

func text(id rpc.Identity) string { return transport.Key(id).String() }

// Invite implements localapi.Self.
func (n *Node) Invite(ctx context.Context) (localapi.Invite, error) {
	link, expires, err := n.profile.Link(ctx, time.Now())
	return localapi.Invite{Link: link, Expires: localapi.Time{Time: expires}}, err
}

// AddContact implements localapi.Contacts.
func (n *Node) AddContact(ctx context.Context, link, name string) (localapi.AddedContact, error) {
	card, raw, err := contact.ParseLink(link)
	if err != nil {
		return localapi.AddedContact{}, linkError(err)
	}
	c, isNew, err := n.engine.AddContact(ctx, card, raw, name)
	if errors.Is(err, convo.ErrSelf) {
		return localapi.AddedContact{}, &localapi.Error{
			Message: "this is your own link",
			Hint:    "send it to somebody else, and add theirs",
			Exit:    localapi.ExitUsage,
		}
	}
	if errors.Is(err, convo.ErrLinkExpired) {
		return localapi.AddedContact{}, &localapi.Error{
			Message: fmt.Sprintf("this link could be used until %s", localapi.Time{Time: card.Hello.Expiry}),
			Hint:    "ask for a new one: qpc invite makes it",
			Exit:    localapi.ExitUsage,
		}
	}
	if err != nil {
		return localapi.AddedContact{}, err
	}
	return localapi.AddedContact{Identity: text(c.Identity), Name: c.Name, New: isNew}, nil
}

func linkError(err error) error {
	if errors.Is(err, contact.ErrSignature) {
		return &localapi.Error{
			Message: "the link was changed on its way: its signature is wrong",
			Hint:    "ask for the link again, by another way",
			Exit:    localapi.ExitSignature,
		}
	}
	return &localapi.Error{
		Message: "this is not a whole contact link: " + err.Error(),
		Hint:    "a link begins with qpc: and is one long word; copy all of it",
		Exit:    localapi.ExitUsage,
	}
}

// Contacts implements localapi.Contacts.
func (n *Node) Contacts(ctx context.Context) ([]localapi.Contact, error) {
	all := []localapi.Contact{}
	err := n.store.View(ctx, func(tx *store.Tx) error {
		rows, err := tx.Contacts()
		for _, c := range rows {
			all = append(all, showContact(c))
		}
		return err
	})
	return all, err
}

func showContact(c store.Contact) localapi.Contact {
	return localapi.Contact{Identity: text(c.Identity), Name: c.Name, Via: c.Via, Verified: c.Verified}
}

// Contact implements localapi.Contacts.
func (n *Node) Contact(ctx context.Context, who string) (localapi.Contact, error) {
	c, err := n.find(ctx, who)
	return showContact(c), err
}

// find returns the contact of an identity, an exact name, or a unique prefix of
// either.
func (n *Node) find(ctx context.Context, who string) (store.Contact, error) {
	var all []store.Contact
	err := n.store.Glance(ctx, func(tx *store.Tx) (err error) {
		all, err = tx.Contacts()
		return err
	})
	if err != nil {
		return store.Contact{}, err
	}
	found := match(all, who)
	switch len(found) {
	case 0:
		return store.Contact{}, &localapi.Error{
			Message: fmt.Sprintf("no contact is called %q", who),
			Hint:    "qpc contacts lists them; qpc contact add LINK adds one",
			Exit:    localapi.ExitContact,
		}
	case 1:
		return found[0], nil
	}
	var names []string
	for _, c := range found[:min(len(found), 10)] {
		names = append(names, fmt.Sprintf("%s (%s)", c.Name, text(c.Identity)))
	}
	return store.Contact{}, &localapi.Error{
		Message: fmt.Sprintf("%q could be %d contacts", who, len(found)),
		Hint:    "say which: " + strings.Join(names, ", "),
		Exit:    localapi.ExitContact,
	}
}

// identityStart is how every identity begins.
const identityStart = "12D3KooW"

// match returns the contacts that who can mean. People choose their own names,
// so a name never stands for what is an identity, or begins one of a contact.
func match(all []store.Contact, who string) []store.Contact {
	if who == "" {
		return nil
	}
	var ids, exact, begins []store.Contact
	for _, c := range all {
		isID := strings.HasPrefix(text(c.Identity), who)
		if isID {
			ids = append(ids, c)
		}
		if c.Name == who {
			exact = append(exact, c)
		}
		if isID || strings.HasPrefix(c.Name, who) {
			begins = append(begins, c)
		}
	}
	_, err := transport.ParseKey(who)
	switch {
	case err == nil, len(ids) > 0 && !strings.HasPrefix(identityStart, who):
		return ids
	case len(exact) > 0:
		return exact
	default:
		return begins
	}
}

// Send implements localapi.Messages.
func (n *Node) Send(ctx context.Context, who, body string) (localapi.Delivery, error) {
	c, err := n.find(ctx, who)
	if err != nil {
		return localapi.Delivery{}, err
	}
	m, err := n.engine.Send(ctx, c.Identity, body)
	switch {
	case errors.Is(err, convo.ErrText):
		return localapi.Delivery{}, &localapi.Error{Message: err.Error(), Exit: localapi.ExitUsage}
	case errors.Is(err, convo.ErrOutboxFull):
		return localapi.Delivery{}, &localapi.Error{
			Message: fmt.Sprintf("%d messages wait for %s already", convo.MaxOutgoing, c.Name),
			Hint:    "qpc status says why they are not delivered",
			Exit:    localapi.ExitOther,
		}
	case err != nil:
		return localapi.Delivery{}, err
	}
	return showDelivery(m), nil
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
func (n *Node) Await(ctx context.Context, id string, want localapi.State) (localapi.Delivery, error) {
	listen, cancel := context.WithCancel(ctx)
	defer cancel()
	for {
		events, err := n.feed.Subscribe(listen, 0)
		if err != nil {
			return localapi.Delivery{}, err
		}
		d, err := n.delivery(context.WithoutCancel(ctx), id)
		if err != nil || d.State.Reaches(want) || d.State == localapi.Failed || ctx.Err() != nil {
			return d, err
		}
		for e := range events {
			if e.Delivery != nil && e.Delivery.ID == id {
				break
			}
		}
	}
}

// delivery returns the present state of an own message.
func (n *Node) delivery(ctx context.Context, id string) (d localapi.Delivery, err error) {
	b, err := parseID(id)
	if err != nil {
		return d, err
	}
	err = n.store.Glance(ctx, func(tx *store.Tx) error {
		rows, err := tx.MessageByID(b)
		if err != nil {
			return err
		}
		for _, m := range rows {
			if m.Author == n.identity.ID() {
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
func (n *Node) History(ctx context.Context, who string, limit int, after string, emit func(localapi.Message) error) error {
	c, err := n.find(ctx, who)
	if err != nil {
		return err
	}
	id := convo.PairID(n.identity.ID(), c.Identity)
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
		err := n.store.View(ctx, func(tx *store.Tx) (err error) {
			rows, err = look(tx)
			return err
		})
		if errors.Is(err, store.ErrNotFound) {
			return unknownID(after)
		}
		if err != nil {
			return err
		}
		for _, m := range rows {
			if err := emit(n.showMessage(c.Identity, m)); err != nil {
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

func (n *Node) showMessage(peer rpc.Identity, m store.Message) localapi.Message {
	from, to := text(m.Author), text(peer)
	if m.Author == peer {
		to = text(n.identity.ID())
	}
	return localapi.Message{
		ID: hex.EncodeToString(m.ID[:]), From: from, To: to, Text: shownText(m),
		Time: localapi.Time{Time: m.Sent}, State: localapi.State(m.State), Path: localapi.Path(m.Path),
	}
}

// shownText is the text of a message, or what stands for it where this program
// cannot show it.
func shownText(m store.Message) string {
	parsed, err := message.Parse(m.Body)
	if err == nil && (parsed.Type == message.Chat || parsed.Type == message.Reply) {
		return parsed.Text
	}
	return fmt.Sprintf("[a message of a kind that this version does not show: 0x%02x]", m.Type)
}

func parseID(text string) (id [16]byte, err error) {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != len(id) {
		return id, &localapi.Error{
			Message: fmt.Sprintf("%q is not a message id", text),
			Hint:    "an id is the 32 hex digits that send and history print",
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

// AddRelay implements localapi.Relays.
func (n *Node) AddRelay(ctx context.Context, url string) error {
	u, err := parseRelay(url)
	if err != nil {
		return err
	}
	isNew := false
	err = n.store.Update(ctx, func(tx *store.Tx) error {
		isNew, err = putRelay(tx, u)
		return err
	})
	if err != nil || !isNew {
		return err
	}
	n.deliverer.AddRelay(u)
	return n.engine.Announce(ctx)
}

// ForgetRelay implements localapi.Relays.
func (n *Node) ForgetRelay(ctx context.Context, url string) error {
	u, err := parseRelay(url)
	if err != nil {
		return err
	}
	found := false
	err = n.store.Update(ctx, func(tx *store.Tx) error {
		rows, err := tx.Relays()
		for _, row := range rows {
			if row.Key == u.Key {
				found = true
				return tx.DeleteRelay(row.URL)
			}
		}
		return err
	})
	if err == nil && !found {
		return &localapi.Error{
			Message: "that relay is not one of this node's",
			Hint:    "qpc status lists them",
			Exit:    localapi.ExitUsage,
		}
	}
	if err != nil {
		return err
	}
	n.deliverer.ForgetRelay(u.Key)
	return n.engine.Announce(ctx)
}

// Status implements localapi.Self.
func (n *Node) Status(ctx context.Context) (localapi.Status, error) {
	s := localapi.Status{
		Identity: text(n.identity.ID()), Name: n.profile.Name(), Addrs: n.addrs(), LAN: n.lan,
		Relays: []localapi.Relay{}, Peers: []localapi.Peer{},
	}
	for _, r := range n.deliverer.HomeRelays() {
		s.Relays = append(s.Relays, localapi.Relay{URL: r.URL.String(), Reached: r.Reached, Error: r.Error})
	}
	var contacts []store.Contact
	err := n.store.View(ctx, func(tx *store.Tx) (err error) {
		if contacts, err = tx.Contacts(); err != nil {
			return err
		}
		s.Queue, err = n.queue(tx)
		return err
	})
	for _, c := range contacts {
		s.Peers = append(s.Peers, n.showPeer(c))
	}
	return s, err
}

func (n *Node) showPeer(c store.Contact) localapi.Peer {
	p := localapi.Peer{Identity: text(c.Identity), Name: c.Name, Path: localapi.PathNone, Tried: []localapi.Tried{}}
	state := n.host.Peer(transport.Key(c.Identity))
	p.Connected = state.Connected
	if state.Connected {
		p.Path = localapi.Path(state.Path)
	}
	for _, a := range state.Tried {
		p.Tried = append(p.Tried, localapi.Tried{Addr: a.Addr.String(), Error: a.Err})
	}
	return p
}

// queue counts what waits. A message that waits for its conversation to start
// has no row in the outbox yet, and counts as well.
func (n *Node) queue(tx *store.Tx) (q localapi.Queue, err error) {
	if q.Inbox, q.Unreadable, _, err = tx.CountIncoming(); err != nil {
		return q, err
	}
	if q.Outbox, err = tx.CountOutgoing(); err != nil {
		return q, err
	}
	conversations, err := tx.Conversations()
	for _, c := range conversations {
		if len(c.Group) > 0 {
			continue
		}
		waiting, err := tx.CountUnreceipted(c.ID, n.identity.ID())
		if err != nil {
			return q, err
		}
		q.Outbox += waiting
	}
	return q, err
}

// publish hands an event to the front ends.
func (n *Node) publish(e convo.Event) {
	shown := localapi.Event{Event: localapi.Kind(e.Kind)}
	c := e.Contact
	if e.Kind != convo.EventContact {
		err := n.store.Glance(context.Background(), func(tx *store.Tx) (err error) {
			c, err = tx.Contact(e.Peer)
			return err
		})
		if err != nil {
			n.log.Error("event of an unknown contact", "peer", text(e.Peer), "err", err)
			return
		}
	}
	person := showContact(c)
	shown.Contact = &person
	switch e.Kind {
	case convo.EventMessage:
		m := n.showMessage(e.Peer, e.Message)
		shown.Message = &m
	case convo.EventState:
		d := showDelivery(e.Message)
		shown.Delivery = &d
	}
	n.feed.Publish(shown)
}
